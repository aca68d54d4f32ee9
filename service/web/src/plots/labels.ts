/** Labels over a plot without one lying on another. */

export interface Label {
  x: number;
  text: string;
}

export interface PlacedLabel extends Label {
  /** Of the text's middle, moved inwards where it would leave the plot. */
  middle: number;
  /** 0 is nearest to the plot. */
  row: number;
}

const GAP = 4;

/** Give each label, from left to right, the first row that is free; `letter` is a letter's mean width. */
export function placeLabels(labels: readonly Label[], width: number, letter: number): PlacedLabel[] {
  const ends: number[] = [];
  const placed = [...labels].sort((one, other) => one.x - other.x);
  return placed.map((label) => {
    const half = (label.text.length * letter) / 2;
    const middle = Math.min(width - half, Math.max(half, label.x));
    let row = ends.findIndex((end) => end + GAP <= middle - half);
    if (row < 0) row = ends.length;
    ends[row] = middle + half;
    return { ...label, middle, row };
  });
}
