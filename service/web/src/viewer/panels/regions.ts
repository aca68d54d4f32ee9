/** Which finding the cross hair is in, and how findings are told to people. */

import type { Finding, Triple } from "../../api/types";
import { number } from "../../ui/format";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function isWithin({ box_voxels: [first, last] }: Finding, at: Triple): boolean {
  return at.every((value, axis) => value >= (first[axis] ?? 0) && value <= (last[axis] ?? 0));
}

/** The finding at the cross hair; of several, the smallest box, for it says most. -1 for none. */
export function currentFinding(findings: readonly Finding[], at: Triple): number {
  let best = -1;
  findings.forEach((finding, index) => {
    const other = findings[best];
    if (isWithin(finding, at) && (!other || boxVoxels(finding) < boxVoxels(other))) best = index;
  });
  return best;
}

export function boxVoxels({ box_voxels: [first, last] }: Finding): number {
  return first.reduce((product, value, axis) => product * ((last[axis] ?? 0) - value + 1), 1);
}

/** The nearest whole voxel to the centroid, inside the image. */
export function centreOf({ centroid_voxels }: Finding, size: Triple): Triple {
  const [column, row, slice] = centroid_voxels.map((value, axis) =>
    Math.min((size[axis] ?? 1) - 1, Math.max(0, Math.round(value))),
  );
  return [column ?? 0, row ?? 0, slice ?? 0];
}

/** Millimetres where the image has a scale, else voxels or, of a picture, pixels. */
export function sizeText({ size_mm, size_voxels }: Finding, isVolume: boolean): string {
  if (size_mm === null) return `${WHOLE.format(size_voxels)} ${isVolume ? "voxels" : "pixels"}`;
  if (isVolume && size_mm >= 100_000) return `${number(size_mm / 1000)} cm³`;
  return `${size_mm < 10 ? number(size_mm) : WHOLE.format(size_mm)} mm${isVolume ? "³" : "²"}`;
}

/** How far the map rises there: its threshold is what gives the value a meaning. */
export function peakText({ peak }: Finding, mapThreshold: number | null): string {
  if (mapThreshold === null || mapThreshold <= 0) return `peak ${number(peak)}`;
  return `peak ${(peak / mapThreshold).toFixed(1)} × threshold`;
}

/** LPS millimetres, as letters that readers know: L 12, P 4, S 30 (or R, A, I). */
export function placeText(centroid: Triple): string {
  const letters: [string, string][] = [
    ["L", "R"],
    ["P", "A"],
    ["S", "I"],
  ];
  return letters
    .map(([plus, minus], axis) => {
      const value = Math.round(centroid[axis] ?? 0);
      return `${value < 0 ? minus : plus} ${Math.abs(value)}`;
    })
    .join(", ");
}
