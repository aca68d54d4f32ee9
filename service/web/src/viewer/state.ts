/** What is being looked at, and how: shared by the panes that draw and the panels beside them. */

import { signal, type Signal } from "@preact/signals";
import type { Result, Triple } from "../api/types";

/** `slices`: one plane at full resolution; the others are NiiVue's. */
export type Layout = "slices" | "planes" | "render";
export type Colormap = "inferno" | "viridis" | "cividis";
/** What is shown beside the image: what the network made of it, and how they differ. */
export type Companion = "none" | "reconstruction";

export interface Window {
  /** In the image's own values, HU for CT. */
  center: number;
  /** Above 0. */
  width: number;
}

export interface Reading {
  /** Column, row, slice; whole numbers. */
  voxel: Triple;
  /** LPS millimetres; null where the image has no place. */
  mm: Triple | null;
  value: number;
  anomaly: number;
}

export interface ViewState {
  result: Result;
  layout: Signal<Layout>;
  companion: Signal<Companion>;
  /** The cross hair, in columns, rows and slices; whole numbers. */
  at: Signal<Triple>;
  window: Signal<Window>;
  /** 0 to 1. */
  opacity: Signal<number>;
  colormap: Signal<Colormap>;
  /** The map's value below which nothing is drawn. */
  threshold: Signal<number>;
  /** The map's value at full colour. */
  full: Signal<number>;
  isMeasuring: Signal<boolean>;
  /** What is under the cross hair, as soon as the image is there. */
  reading: Signal<Reading | null>;
}

/** Begin at the slice with the highest score, with the map above its threshold. */
export function viewOf(result: Result, mapThreshold: number): ViewState {
  const [columns, rows] = sizeOf(result);
  return {
    result,
    layout: signal<Layout>("slices"),
    companion: signal<Companion>("none"),
    at: signal<Triple>(startOf(result, columns, rows)),
    window: signal<Window>({ center: 0.5, width: 1 }),
    opacity: signal(0.6),
    colormap: signal<Colormap>("inferno"),
    threshold: signal(mapThreshold / 2),
    full: signal(mapThreshold > 0 ? 2 * mapThreshold : 1),
    isMeasuring: signal(false),
    reading: signal<Reading | null>(null),
  };
}

/** Columns, rows and slices. */
export function sizeOf(result: Result): Triple {
  const size: Triple = [1, 1, 1];
  result.grid.axes.forEach((axis, place) => {
    size[axis] = result.grid.shape[place] ?? 1;
  });
  return size;
}

export function worstSlice(result: Result): number {
  return result.slices.reduce((worst, one) => (one.score > worst.score ? one : worst), {
    index: result.findings[0] ? Math.round(result.findings[0].centroid_voxels[2]) : 0,
    score: -Infinity,
  }).index;
}

function startOf(result: Result, columns: number, rows: number): Triple {
  const slice = worstSlice(result);
  const [first] = result.findings;
  if (first && slice >= first.box_voxels[0][2] && slice <= first.box_voxels[1][2]) {
    return [Math.round(first.centroid_voxels[0]), Math.round(first.centroid_voxels[1]), slice];
  }
  return [Math.floor(columns / 2), Math.floor(rows / 2), slice];
}
