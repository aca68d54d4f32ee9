/** Mouse, pen and touch on a pane, as what they mean. */

import type { Point } from "./place";

export interface Gestures {
  /** A click or a tap. */
  tap: (at: Point) => void;
  /** A drag by the main button or a finger: whether it starts, where from, where it is, how far since the last time. */
  drag: (from: Point, to: Point, step: Point) => void;
  /** A drag by the right button: how far since its start, in CSS pixels. */
  window: (start: boolean, across: number, down: number) => void;
  /** Two fingers, or the wheel with Ctrl. */
  zoom: (factor: number, about: Point, step: Point) => void;
  /** The wheel: whole steps, positive is down. */
  scroll: (steps: number, at: Point) => void;
  /** Whether the main button changes the window, too. */
  isWindowing: () => boolean;
}

/** What a hand trembles in a click, in CSS pixels. */
const TREMBLE = 4;
/** What a notch of a wheel is, in CSS pixels; touch pads send many small parts of it. */
const NOTCH = 60;
const LINE = 20;

interface Touch {
  start: Point;
  now: Point;
  isWindow: boolean;
  hasMoved: boolean;
}

/** Points are in device pixels of the canvas; returns what ends listening. */
export function listen(canvas: HTMLCanvasElement, on: Gestures): () => void {
  const touches = new Map<number, Touch>();
  let rolled = 0;

  function pointOf(event: MouseEvent): Point {
    const box = canvas.getBoundingClientRect();
    const scale = canvas.width / Math.max(box.width, 1);
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  function down(event: PointerEvent): void {
    if (event.button === 1) return;
    canvas.setPointerCapture(event.pointerId);
    const at = pointOf(event);
    const isWindow = event.button === 2 || (on.isWindowing() && touches.size === 0);
    touches.set(event.pointerId, { start: at, now: at, isWindow, hasMoved: touches.size > 0 });
    for (const touch of touches.values()) if (touches.size > 1) touch.hasMoved = true;
    if (isWindow) on.window(true, 0, 0);
  }

  function move(event: PointerEvent): void {
    const touch = touches.get(event.pointerId);
    if (!touch) return;
    const at = pointOf(event);
    const step: Point = [at[0] - touch.now[0], at[1] - touch.now[1]];
    const scale = canvas.width / Math.max(canvas.clientWidth, 1);
    const far = Math.hypot(at[0] - touch.start[0], at[1] - touch.start[1]) / scale;
    if (far > TREMBLE) touch.hasMoved = true;
    if (touches.size === 2) pinch(event.pointerId, at, step);
    else if (touch.hasMoved && touch.isWindow) {
      on.window(false, (at[0] - touch.start[0]) / scale, (at[1] - touch.start[1]) / scale);
    } else if (touch.hasMoved) on.drag(touch.start, at, step);
    if (touch.hasMoved) touch.now = at;
  }

  function pinch(pointerId: number, at: Point, step: Point): void {
    const before = touches.get(pointerId)?.now;
    const other = [...touches].find(([id]) => id !== pointerId)?.[1].now;
    if (!before || !other) return;
    const apart = (point: Point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    const middle: Point = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
    on.zoom(apart(at) / apart(before), middle, [step[0] / 2, step[1] / 2]);
  }

  function up(event: PointerEvent): void {
    const touch = touches.get(event.pointerId);
    touches.delete(event.pointerId);
    if (touch && !touch.hasMoved && event.type === "pointerup" && event.button !== 2) on.tap(touch.start);
  }

  function wheel(event: WheelEvent): void {
    event.preventDefault();
    const way = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    if (event.ctrlKey || event.metaKey) {
      on.zoom(Math.exp(-Math.max(-NOTCH, Math.min(NOTCH, way)) / 200), pointOf(event), [0, 0]);
      return;
    }
    rolled += way;
    const steps = Math.trunc(rolled / NOTCH);
    rolled -= steps * NOTCH;
    if (steps) on.scroll(Math.sign(steps) * Math.min(3, Math.abs(steps)), pointOf(event));
  }

  const menu = (event: Event) => event.preventDefault();
  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("wheel", wheel, { passive: false });
  canvas.addEventListener("contextmenu", menu);
  return () => {
    canvas.removeEventListener("pointerdown", down);
    canvas.removeEventListener("pointermove", move);
    canvas.removeEventListener("pointerup", up);
    canvas.removeEventListener("pointercancel", up);
    canvas.removeEventListener("wheel", wheel);
    canvas.removeEventListener("contextmenu", menu);
  };
}
