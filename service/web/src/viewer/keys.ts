/** The keyboard, as one table: what the "?" dialog lists is what the keys do. */

import {
  moveBy,
  nextOpacity,
  setRulerEnd,
  showLayout,
  stopMeasuring,
  toFinding,
  toggleMap,
  toggleMeasuring,
  toggleReconstruction,
  toggleWindowing,
  toWorst,
  zoomBy,
  zoomToFit,
  zoomToPixels,
} from "./actions";
import { saveScreenshot } from "./screenshot";
import type { Stage } from "./stage";

/** With Shift held. */
const FAR = 10;

export interface Shortcut {
  /** As `KeyboardEvent.key` has them, letters small. */
  keys: string[];
  /** As keyboards have them. */
  caps: string;
  text: string;
  /** Keys by which sliders and lists are moved, too: not taken while one of them has the focus. */
  isNavigation?: boolean;
  run: (stage: Stage, key: string, isShifted: boolean) => void;
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export const SHORTCUTS: readonly Shortcut[] = [
  {
    keys: Object.keys(ARROWS),
    caps: "← → ↑ ↓",
    text: "Move the cross hair; with Shift ten times as far",
    isNavigation: true,
    run: (stage, key, isShifted) => {
      const [columns, rows] = ARROWS[key] ?? [0, 0];
      const far = isShifted ? FAR : 1;
      moveBy(stage, columns * far, rows * far, 0);
    },
  },
  {
    keys: ["PageUp", ","],
    caps: "Page Up  ,",
    text: "Slice before",
    isNavigation: true,
    run: (stage) => moveBy(stage, 0, 0, -1),
  },
  {
    keys: ["PageDown", "."],
    caps: "Page Down  .",
    text: "Slice after",
    isNavigation: true,
    run: (stage) => moveBy(stage, 0, 0, 1),
  },
  {
    keys: ["Home"],
    caps: "Home",
    text: "Worst slice, at its highest point",
    isNavigation: true,
    run: toWorst,
  },
  { keys: ["n"], caps: "N", text: "Next finding", run: (stage) => toFinding(stage, 1) },
  { keys: ["p"], caps: "P", text: "Finding before", run: (stage) => toFinding(stage, -1) },
  { keys: ["+", "="], caps: "+", text: "Zoom in", run: (stage) => zoomBy(stage, 1.25) },
  { keys: ["-"], caps: "−", text: "Zoom out", run: (stage) => zoomBy(stage, 0.8) },
  { keys: ["0"], caps: "0", text: "Fit all of the image", run: zoomToFit },
  { keys: ["z"], caps: "Z", text: "One voxel on one pixel of the screen", run: zoomToPixels },
  { keys: ["h"], caps: "H", text: "Heatmap on or off", run: toggleMap },
  { keys: ["o"], caps: "O", text: "Opacity of the heatmap: next quarter", run: nextOpacity },
  { keys: ["i"], caps: "I", text: "Invert black and white", run: invert },
  {
    keys: ["w"],
    caps: "W",
    text: "Window by dragging, on or off; the right button always does",
    run: toggleWindowing,
  },
  { keys: ["m"], caps: "M", text: "Measure, on or off", run: toggleMeasuring },
  { keys: ["Enter"], caps: "Enter", text: "While measuring: start or end of the line", run: setRulerEnd },
  { keys: ["Escape"], caps: "Esc", text: "Stop measuring or windowing", run: leaveModes },
  { keys: ["r"], caps: "R", text: "What the model saw and its reconstruction", run: toggleReconstruction },
  { keys: ["1"], caps: "1", text: "Slices", run: (stage) => showLayout(stage, "slices") },
  {
    keys: ["2"],
    caps: "2",
    text: "Planes: axial, coronal, sagittal",
    run: (stage) => showLayout(stage, "planes"),
  },
  { keys: ["3"], caps: "3", text: "3-D", run: (stage) => showLayout(stage, "render") },
  { keys: ["s"], caps: "S", text: "Screenshot", run: (stage) => void saveScreenshot(stage) },
];

/** The shortcut that a key means where the focus is; null for none. */
export function shortcutFor(event: KeyboardEvent): Shortcut | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const { target } = event;
  const element = target instanceof Element ? target : null;
  if (isTyping(element)) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = SHORTCUTS.find(({ keys }) => keys.includes(key));
  return found && !isOwnKey(element, key, found) ? found : null;
}

/** Whether what has the focus does something of its own with the key. */
function isOwnKey(element: Element | null, key: string, { isNavigation }: Shortcut): boolean {
  if (!element) return false;
  if (key === "Enter") return element.closest("button, a, summary, input") !== null;
  return isNavigation === true && element.closest("input, [role=slider], [role=tablist]") !== null;
}

function isTyping(element: Element | null): boolean {
  if (!element) return false;
  if (element.closest("dialog[open], select, textarea, [contenteditable=true]")) return true;
  return (
    element instanceof HTMLInputElement && !["range", "checkbox", "radio", "button"].includes(element.type)
  );
}

function invert(stage: Stage): void {
  stage.isInverted.value = !stage.isInverted.value;
}

function leaveModes(stage: Stage): void {
  stopMeasuring(stage);
  stage.isWindowing.value = false;
}
