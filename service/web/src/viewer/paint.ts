/** Draws one pane: the plane, the heatmap over it, and what is written on the picture. */

import type { Triple } from "../api/types";
import { css, type Colour } from "./colormaps";
import type { Layer } from "./layer";
import type { Colouring } from "./levels";
import { canvasPoint, type Frame, type Point } from "./place";

export const NOTICE = "RESEARCH USE ONLY";

export interface Coat {
  layer: Layer;
  colouring: Colouring;
  /** Tells its colour table from others. */
  name: string;
  opacity: number;
}

export interface Legend {
  title: string;
  colours: Colour[];
  top: string;
  bottom: string;
  /** A value between them that tells something: where it is, from 0 at the bottom to 1. */
  mark: { share: number; text: string } | null;
}

export interface Pane {
  title: string;
  /** The window's values. */
  note: string;
  coats: Coat[];
  legend: Legend | null;
}

export interface Marks {
  at: Triple;
  slices: number;
  ruler: { from: Point; to: Point; text: string } | null;
  /** Letters at the left, right, upper and lower edge; null where they are not known. */
  edges: [string, string, string, string] | null;
}

const INK = "#e8edf2";
const SHADOW = "rgb(0 0 0 / 75%)";
const NOTICE_INK = "#ffb454";
const CROSS_INK = "#7cc4ff";
const RULER_INK = "#ffe66d";

export function paint(context: CanvasRenderingContext2D, pane: Pane, frame: Frame, marks: Marks): void {
  const { width, height } = context.canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  for (const { layer, colouring, name, opacity } of pane.coats) {
    context.globalAlpha = opacity;
    layer.draw(context, frame, marks.at[2], colouring, name);
  }
  context.globalAlpha = 1;
  const unit = devicePixelRatio;
  paintCross(context, canvasPoint(frame, [marks.at[0] + 0.5, marks.at[1] + 0.5]), unit);
  if (marks.ruler) paintRuler(context, frame, marks.ruler, unit);
  write(context, pane.title, [10 * unit, 10 * unit], "left", "top", unit);
  if (marks.slices > 1) {
    const text = `Slice ${marks.at[2] + 1} / ${marks.slices}`;
    write(context, text, [width - 10 * unit, 10 * unit], "right", "top", unit);
  }
  if (pane.note) write(context, pane.note, [10 * unit, height - 28 * unit], "left", "bottom", unit);
  write(context, NOTICE, [10 * unit, height - 10 * unit], "left", "bottom", unit, NOTICE_INK);
  if (marks.edges) paintEdges(context, marks.edges, unit);
  if (pane.legend) paintLegend(context, pane.legend, unit);
}

/** Text that is read on black and on white. */
function write(
  context: CanvasRenderingContext2D,
  text: string,
  [x, y]: Point,
  align: CanvasTextAlign,
  baseline: CanvasTextBaseline,
  unit: number,
  ink = INK,
): void {
  context.font = `600 ${12 * unit}px system-ui, "Segoe UI", "Noto Sans", sans-serif`;
  context.textAlign = align;
  context.textBaseline = baseline;
  context.lineJoin = "round";
  context.lineWidth = 3 * unit;
  context.strokeStyle = SHADOW;
  context.strokeText(text, x, y);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

/** Open in the middle, so that what is looked at is not covered. */
function paintCross(context: CanvasRenderingContext2D, [x, y]: Point, unit: number): void {
  const { width, height } = context.canvas;
  const gap = 12 * unit;
  const [across, down] = [Math.round(x) + 0.5, Math.round(y) + 0.5];
  const lines: [number, number, number, number][] = [
    [0, down, across - gap, down],
    [across + gap, down, width, down],
    [across, 0, across, down - gap],
    [across, down + gap, across, height],
  ];
  for (const [ink, lineWidth] of [
    ["rgb(0 0 0 / 45%)", 3],
    [CROSS_INK, 1],
  ] as const) {
    context.globalAlpha = ink === CROSS_INK ? 0.85 : 1;
    strokeLines(context, lines, ink, lineWidth * unit);
  }
  context.globalAlpha = 1;
}

function paintRuler(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { from, to, text }: NonNullable<Marks["ruler"]>,
  unit: number,
): void {
  const [start, end] = [canvasPoint(frame, from), canvasPoint(frame, to)];
  const length = Math.hypot(end[0] - start[0], end[1] - start[1]) || 1;
  // A tick across each end shows where exactly it is.
  const [x, y] = [(-(end[1] - start[1]) / length) * 6 * unit, ((end[0] - start[0]) / length) * 6 * unit];
  const lines: [number, number, number, number][] = [
    [...start, ...end],
    [start[0] - x, start[1] - y, start[0] + x, start[1] + y],
    [end[0] - x, end[1] - y, end[0] + x, end[1] + y],
  ];
  strokeLines(context, lines, SHADOW, 4 * unit);
  strokeLines(context, lines, RULER_INK, 1.5 * unit);
  const isRight = end[0] > context.canvas.width - 110 * unit;
  const label: Point = [end[0] + (isRight ? -10 : 10) * unit, end[1]];
  write(context, text, label, isRight ? "right" : "left", "middle", unit, RULER_INK);
}

function strokeLines(
  context: CanvasRenderingContext2D,
  lines: [number, number, number, number][],
  ink: string,
  width: number,
): void {
  context.strokeStyle = ink;
  context.lineWidth = width;
  context.beginPath();
  for (const [x, y, toX, toY] of lines) {
    context.moveTo(x, y);
    context.lineTo(toX, toY);
  }
  context.stroke();
}

function paintEdges(
  context: CanvasRenderingContext2D,
  edges: NonNullable<Marks["edges"]>,
  unit: number,
): void {
  const { width, height } = context.canvas;
  const [left, right, top, bottom] = edges;
  write(context, left, [10 * unit, height / 2], "left", "middle", unit);
  write(context, right, [width - 10 * unit, height / 2], "right", "middle", unit);
  write(context, top, [width / 2, 10 * unit], "center", "top", unit);
  write(context, bottom, [width / 2, height - 10 * unit], "center", "bottom", unit);
}

function paintLegend(context: CanvasRenderingContext2D, legend: Legend, unit: number): void {
  const { width, height } = context.canvas;
  const bar = { width: 10 * unit, height: Math.min(0.34 * height, 160 * unit) };
  const left = width - 10 * unit - bar.width;
  const top = height - 28 * unit - bar.height;
  const fill = context.createLinearGradient(0, top + bar.height, 0, top);
  legend.colours.forEach((colour, level) =>
    fill.addColorStop(level / (legend.colours.length - 1), css(colour)),
  );
  context.fillStyle = "#000";
  context.fillRect(left - unit, top - unit, bar.width + 2 * unit, bar.height + 2 * unit);
  context.fillStyle = fill;
  context.fillRect(left, top, bar.width, bar.height);
  context.strokeStyle = "#7f8fa0";
  context.lineWidth = unit;
  context.strokeRect(left - unit / 2, top - unit / 2, bar.width + unit, bar.height + unit);
  write(context, legend.top, [left - 6 * unit, top], "right", "top", unit);
  write(context, legend.bottom, [left - 6 * unit, top + bar.height], "right", "bottom", unit);
  if (legend.mark) {
    const y = top + bar.height * (1 - legend.mark.share);
    strokeLines(context, [[left - 4 * unit, y, left + bar.width, y]], INK, 1.5 * unit);
    write(context, legend.mark.text, [left - 6 * unit, y], "right", "middle", unit);
  }
  write(context, legend.title, [width - 10 * unit, top + bar.height + 8 * unit], "right", "top", unit);
}
