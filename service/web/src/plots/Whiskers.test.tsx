import { render } from "preact";
import { expect, test } from "vitest";
import { intervalText, spanOf, Whiskers } from "./Whiskers";

const figure = (value: number, low: number | null, high: number | null) => ({
  name: "image AUROC",
  hint: "",
  value,
  low,
  high,
});

test("an interval stands in brackets behind its value", () => {
  expect(intervalText(figure(0.97482, 0.95827, 0.9875))).toBe("0.975 (0.958 to 0.988)");
  expect(intervalText(figure(0.5, null, null))).toBe("0.500");
});

test("rates are drawn from 0 to 1, and wider where one lies outside", () => {
  expect(spanOf([figure(0.9, 0.8, 0.95)])).toEqual([0, 1]);
  expect(spanOf([figure(0.9, -0.5, 1.5)])).toEqual([-0.5, 1.5]);
});

test("a whisker spans the interval inside a margin of 2 %", () => {
  const root = document.createElement("div");
  render(<Whiskers figures={[figure(0.5, 0.25, 1)]} caption="" />, root);
  const whisker = root.querySelector(".whisker");
  // 2 + 96 * 0.25 = 26.
  expect([whisker?.getAttribute("x1"), whisker?.getAttribute("x2")]).toEqual(["26%", "98%"]);
  expect(root.querySelector(".estimate")?.getAttribute("cx")).toBe("50%");
});
