/** Which way is left, right, front, back, up and down on a slice. */

import type { Volume } from "./volume";

/** LPS: the letter of the positive direction, then of the negative. */
const LETTERS = ["LR", "PA", "SI"];

/** The letters at the left, right, upper and lower edge of a slice. */
export function edgesOf({ affine }: Pick<Volume, "affine">): [string, string, string, string] {
  const [left, right] = lettersAlong(affine, 0);
  const [top, bottom] = lettersAlong(affine, 1);
  return [left, right, top, bottom];
}

function lettersAlong(affine: Volume["affine"], axis: 0 | 1): [start: string, end: string] {
  const direction = affine.map((row) => row[axis] ?? 0);
  const sizes = direction.map(Math.abs);
  const world = sizes.indexOf(Math.max(...sizes));
  const [positive = "", negative = ""] = LETTERS[world] ?? "";
  return (direction[world] ?? 0) > 0 ? [negative, positive] : [positive, negative];
}
