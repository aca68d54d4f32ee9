import { render } from "preact";
import { expect, test } from "vitest";
import { CardText } from "./CardText";

function rendered(text: string): HTMLElement {
  const root = document.createElement("div");
  render(<CardText text={text} below={1} />, root);
  return root;
}

test("a hostile card makes no element of its own", () => {
  const root = rendered(
    "# <img src=x onerror=alert(1)>\n\n<script>alert(1)</script>\n\n| <b>a</b> | b |\n|---|---|\n| [x](javascript:alert) | <svg onload=x> |",
  );
  expect(root.querySelector("script, img, b, svg, a")).toBeNull();
  expect(root.querySelector("h2")?.textContent).toBe("<img src=x onerror=alert(1)>");
});

test("a link opens elsewhere and tells nothing of where it came from", () => {
  const link = rendered("[paper](https://example.org/)").querySelector("a");
  expect(link?.rel).toBe("noopener noreferrer");
  expect(link?.href).toBe("https://example.org/");
});

test("the first cell of a row names it", () => {
  const root = rendered("| figure | value |\n|---|---|\n| image AUROC | **0.975** |");
  expect(root.querySelector("tbody th")?.getAttribute("scope")).toBe("row");
  expect(root.querySelector("td strong")?.textContent).toBe("0.975");
});
