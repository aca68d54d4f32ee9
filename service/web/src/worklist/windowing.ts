/** Which rows of a long list are drawn, when all are of one height. */

export interface Range {
  first: number;
  /** Exclusive. */
  end: number;
}

/** Rows beyond both edges, drawn ahead of a quick scroll. */
const SPARE = 8;

/** The rows to draw; it changes only every fourth row, so that most scrolling draws nothing anew. */
export function rangeOf(scrollTop: number, height: number, rowHeight: number, count: number): Range {
  const top = Math.floor(scrollTop / rowHeight / 4) * 4;
  const first = Math.max(0, Math.min(top, count - 1) - SPARE);
  return { first, end: Math.min(count, top + Math.ceil(height / rowHeight) + 4 + SPARE) };
}

/** Where to scroll so that a row is whole in sight: nowhere if it is already. */
export function scrollTo(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  return Math.max(Math.min(scrollTop, top), top + rowHeight - height);
}

/**
 * By how many rows the list has moved under somebody's eyes: the median of how far the rows in sight have, for a
 * single one may have been sorted to somewhere else.
 */
export function shiftOf(
  inSight: readonly string[],
  first: number,
  places: ReadonlyMap<string, number>,
): number {
  const shifts = inSight.flatMap((id, place) => {
    const now = places.get(id);
    return now === undefined ? [] : [now - (first + place)];
  });
  shifts.sort((a, b) => a - b);
  return shifts[Math.floor((shifts.length - 1) / 2)] ?? 0;
}
