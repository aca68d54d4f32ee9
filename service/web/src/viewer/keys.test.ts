import { expect, test } from "vitest";
import { shortcutFor, SHORTCUTS } from "./keys";

/** The shortcut's text for a key pressed in the element that `html` makes. */
function pressed(key: string, html = "<main></main>", options: KeyboardEventInit = {}): string | null {
  const template = document.createElement("template");
  template.innerHTML = html;
  document.body.replaceChildren(template.content);
  const target = document.body.querySelector("[data-focus]") ?? document.body.firstElementChild;
  let found: string | null = null;
  const listener = (event: KeyboardEvent) => (found = shortcutFor(event)?.text ?? null);
  addEventListener("keydown", listener);
  target?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...options }));
  removeEventListener("keydown", listener);
  return found;
}

test("no key means two things", () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  expect(new Set(keys).size).toBe(keys.length);
});

test("letters work small and large", () => {
  expect(pressed("h")).toBe("Heatmap on or off");
  expect(pressed("H")).toBe("Heatmap on or off");
  expect(pressed("x")).toBeNull();
});

test("while typing or choosing from a list no key is taken", () => {
  expect(pressed("h", "<input type='text'>")).toBeNull();
  expect(pressed("m", "<textarea></textarea>")).toBeNull();
  expect(pressed("w", "<select></select>")).toBeNull();
  expect(pressed("s", "<dialog open><button data-focus></button></dialog>")).toBeNull();
});

test("a slider keeps its arrows, Home and Page Up, but not the letters", () => {
  expect(pressed("ArrowLeft", "<input type='range'>")).toBeNull();
  expect(pressed("Home", "<div role='slider'></div>")).toBeNull();
  expect(pressed("h", "<input type='range'>")).toBe("Heatmap on or off");
});

test("Enter presses a button that has the focus", () => {
  expect(pressed("Enter", "<button></button>")).toBeNull();
  expect(pressed("Enter")).toBe("While measuring: start or end of the line");
});

test("the browser's own shortcuts stay the browser's", () => {
  expect(pressed("s", "<main></main>", { ctrlKey: true })).toBeNull();
  expect(pressed("ArrowLeft", "<main></main>", { altKey: true })).toBeNull();
});
