/** Small shapes beside words, so that nothing is told by colour alone; the words say it to everybody. */

import type { ComponentChildren } from "preact";

export type Shape = "triangle" | "circle" | "dash" | "cross" | "clock" | "arrow" | "up" | "tick" | "warn";

const PATHS: Record<Shape, ComponentChildren> = {
  triangle: <path d="M8 2 15 14H1Z" fill="currentColor" />,
  circle: <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="2" />,
  dash: <path d="M3 8h10" stroke="currentColor" stroke-width="2" />,
  cross: <path d="m4 4 8 8m0-8-8 8" stroke="currentColor" stroke-width="2.2" />,
  clock: (
    <g fill="none" stroke="currentColor" stroke-width="1.6">
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V8l2.5 1.5" />
    </g>
  ),
  arrow: <path d="M5 3v10l8-5Z" fill="currentColor" />,
  up: <path d="M8 13V4m-4 4 4-4 4 4" fill="none" stroke="currentColor" stroke-width="2" />,
  tick: <path d="m3 8.5 3.5 3.5L13 4.5" fill="none" stroke="currentColor" stroke-width="2" />,
  warn: (
    <g fill="none" stroke="currentColor" stroke-width="1.6">
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V9m0 1.3V12" />
    </g>
  ),
};

export function Mark({ shape }: { shape: Shape }) {
  return (
    <svg class="mark" width="14" height="14" viewBox="0 0 16 16" aria-hidden="true">
      {PATHS[shape]}
    </svg>
  );
}
