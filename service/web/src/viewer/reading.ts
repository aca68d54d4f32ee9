/** What is under the cross hair, in numbers and in words. */

import type { Finding, Triple } from "../api/types";
import { number } from "../ui/format";
import { findingAt } from "./actions";
import type { Images } from "./images";
import type { Stage } from "./stage";
import type { Reading } from "./state";

/** LPS: the letter of the positive direction, then of the negative. */
const LETTERS = ["LR", "PA", "SI"];

export function readingAt({ image, map, hasSpacing }: Images, voxel: Triple): Reading {
  return {
    voxel,
    mm: hasSpacing ? image.mmOf(voxel) : null,
    value: image.value(voxel),
    anomaly: map.value(voxel),
  };
}

/** Whole numbers as they are, others in four digits. */
export function valueText(value: number): string {
  if (!Number.isFinite(value)) return "none";
  return (Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(4))}`).replace("-", "−");
}

/** For instance "12.3 L, 4.5 A, 61.8 S mm"; without an orientation the numbers alone. */
export function mmText(mm: Triple, hasOrientation: boolean): string {
  const parts = mm.map((value, axis) => {
    const size = Math.abs(value).toFixed(1);
    if (!hasOrientation) return value < 0 ? `−${size}` : size;
    return `${size} ${LETTERS[axis]?.[value < 0 ? 1 : 0] ?? ""}`;
  });
  return `${(hasOrientation ? parts : parts.slice(0, 2)).join(", ")} mm`;
}

/** The picture for those who do not see it. */
export function describe({ view, images }: Stage): string {
  const { voxel, value, anomaly } = readingAt(images, view.at.value);
  const slices = images.image.size[2];
  const isDrawn = anomaly >= view.threshold.value;
  const index = findingAt(view);
  return [
    slices > 1 ? `Slice ${voxel[2] + 1} of ${slices}.` : "One picture.",
    `Cross hair at column ${voxel[0] + 1}, row ${voxel[1] + 1}:`,
    `${images.isHu ? "HU" : "value"} ${valueText(value)},`,
    `anomaly ${number(anomaly)}, ${isDrawn ? "within" : "outside"} the heatmap.`,
    index < 0 ? "" : `This is the centre of finding ${index + 1} of ${view.result.findings.length}.`,
    highestText(view.result.findings, slices),
  ]
    .filter(Boolean)
    .join(" ");
}

function highestText(findings: Finding[], slices: number): string {
  const [first, ...others] = findings;
  if (!first) return "No region lies above the map's threshold.";
  const highest = others.reduce((one, other) => (other.peak > one.peak ? other : one), first);
  const [column = 0, row = 0, slice = 0] = highest.centroid_voxels.map((place) => Math.round(place) + 1);
  const where = `column ${column}, row ${row}${slices > 1 ? `, slice ${slice}` : ""}`;
  const count = findings.length === 1 ? "1 finding" : `${findings.length} findings`;
  return `${count}; the highest anomaly, ${number(highest.peak)}, is around ${where}.`;
}
