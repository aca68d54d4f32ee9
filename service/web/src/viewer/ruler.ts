/** How long a measured line is. */

import type { Images } from "./images";
import type { Ruler } from "./stage";

/** In millimetres, or in pixels where their size is not known. */
export function rulerLength(
  { image, hasSpacing }: Pick<Images, "image" | "hasSpacing">,
  ruler: Ruler,
): number {
  const [across, down] = hasSpacing ? image.spacing : [1, 1];
  const [columns, rows] = [ruler.to[0] - ruler.from[0], ruler.to[1] - ruler.from[1]];
  // A sheared volume's slices are planes all the same: columns and rows stand at right angles on them.
  return Math.hypot(columns * across, rows * down);
}

export function rulerText(images: Pick<Images, "image" | "hasSpacing">, ruler: Ruler): string {
  return `${rulerLength(images, ruler).toFixed(1)} ${images.hasSpacing ? "mm" : "pixels"}`;
}
