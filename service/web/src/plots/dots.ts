/** Dots stacked over a line, one for each value, as large as the height allows. */

export interface Dot {
  /** Of its centre. */
  x: number;
  /** 0 stands on the line. */
  level: number;
}

const DIAMETERS = [7, 6, 5, 4, 3, 2];

/** Put each place into a column as wide as a dot; `places` ascending. */
export function stack(places: readonly number[], diameter: number): Dot[] {
  const heights = new Map<number, number>();
  return places.map((place) => {
    const column = Math.floor(place / diameter);
    const level = heights.get(column) ?? 0;
    heights.set(column, level + 1);
    return { x: (column + 0.5) * diameter, level };
  });
}

/** The largest dots whose tallest stack stays below `height`; null where even the smallest do not. */
export function stackWithin(
  places: readonly number[],
  height: number,
): { diameter: number; dots: Dot[] } | null {
  for (const diameter of DIAMETERS) {
    const dots = stack(places, diameter);
    if (dots.every((dot) => (dot.level + 1) * diameter <= height)) return { diameter, dots };
  }
  return null;
}

/** How many places lie in each of `count` columns of `width`; what lies beside them counts at the ends. */
export function columns(places: readonly number[], width: number, count: number): number[] {
  const found = new Array<number>(count).fill(0);
  for (const place of places) {
    const column = Math.min(count - 1, Math.max(0, Math.floor(place / width)));
    found[column] = (found[column] ?? 0) + 1;
  }
  return found;
}
