/**
 * One slice at full, half, quarter ... resolution, made when a size is first asked for.
 *
 * A screen shows a part of a large X-ray, or all of it smaller: either is about as many pixels as the screen has.
 */

import type { Values, Volume } from "./volume";

/** How four voxels become one: images by their mean, anomaly maps by their highest, lest a small finding fades. */
export type Pooling = "mean" | "max";

export interface Level {
  values: Values;
  width: number;
  height: number;
  /** Index of the first value, and how far the next column and row are from it. */
  origin: number;
  across: number;
  down: number;
}

export class Levels {
  private readonly made: Level[];

  constructor(
    volume: Volume,
    readonly slice: number,
    private readonly pooling: Pooling,
  ) {
    const [width, height] = volume.size;
    const [across, down] = volume.steps;
    this.made = [{ values: volume.values, width, height, origin: volume.indexOf(0, 0, slice), across, down }];
  }

  /** The plane with sides smaller by 2 to the `depth`. */
  at(depth: number): Level {
    const known = this.made[depth];
    if (known) return known;
    const level = halved(this.at(depth - 1), this.pooling);
    this.made[depth] = level;
    return level;
  }
}

/** How often a plane is halved for a scale, so that a value is no smaller than half a device pixel. */
export function depthFor(scale: number): number {
  return Math.max(0, Math.floor(Math.log2(1 / scale)));
}

/** A part of a level, in its own pixels. */
export interface Part {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Colouring {
  /** 256 colours as ImageData's words. */
  table: Uint32Array;
  /** Values of the first and the last colour. */
  low: number;
  high: number;
  /** Whether what is below `low` stays clear; else it has the first colour. */
  isCut: boolean;
}

/** Colour a part of a level; gaps in the values stay clear. */
export function colour(level: Level, part: Part, { table, low, high, isCut }: Colouring): Uint32Array {
  const { values, across } = level;
  const words = new Uint32Array(part.width * part.height);
  const factor = 255 / Math.max(high - low, 1e-30);
  let place = 0;
  for (let row = part.top; row < part.top + part.height; row++) {
    let index = level.origin + row * level.down + part.left * across;
    for (let column = 0; column < part.width; column++, index += across, place++) {
      const value = values[index] as number;
      if (value >= low) words[place] = table[Math.min(255, ((value - low) * factor + 0.5) | 0)] as number;
      else if (!isCut && value < low) words[place] = table[0] as number;
    }
  }
  return words;
}

/**
 * A part of a level with `factor` times as many values across and down, lying on straight lines between its own: a
 * threshold then cuts along a smooth line. The part is in the finer pixels.
 */
export function refined(level: Level, part: Part, factor: number): Level {
  const values = new Float32Array(part.width * part.height);
  const columns = stepsBetween(part.left, part.width, factor, level.width);
  const rows = stepsBetween(part.top, part.height, factor, level.height);
  const from = level.values;
  let place = 0;
  for (const [above, below, down] of rows) {
    const upper = level.origin + above * level.down;
    const lower = level.origin + below * level.down;
    for (const [left, right, across] of columns) {
      const a = from[upper + left * level.across] as number;
      const b = from[upper + right * level.across] as number;
      const c = from[lower + left * level.across] as number;
      const d = from[lower + right * level.across] as number;
      const top = a + across * (b - a);
      values[place++] = top + down * (c + across * (d - c) - top);
    }
  }
  return { values, width: part.width, height: part.height, origin: 0, across: 1, down: part.width };
}

/** For each finer pixel: the values before and after it, and how far it is between them. */
function stepsBetween(
  first: number,
  count: number,
  factor: number,
  length: number,
): [number, number, number][] {
  return Array.from({ length: count }, (_, index) => {
    const place = Math.min(length - 1, Math.max(0, (first + index + 0.5) / factor - 0.5));
    const before = Math.floor(place);
    return [before, Math.min(before + 1, length - 1), place - before];
  });
}

function halved(level: Level, pooling: Pooling): Level {
  const width = Math.ceil(level.width / 2);
  const height = Math.ceil(level.height / 2);
  const values = new Float32Array(width * height);
  const { values: from, across, down } = level;
  for (let row = 0; row < height; row++) {
    const above = level.origin + 2 * row * down;
    // The last row or column of an odd plane is its own neighbour.
    const below = 2 * row + 1 < level.height ? above + down : above;
    for (let column = 0; column < width; column++) {
      const left = 2 * column * across;
      const right = 2 * column + 1 < level.width ? left + across : left;
      const a = from[above + left] as number;
      const b = from[above + right] as number;
      const c = from[below + left] as number;
      const d = from[below + right] as number;
      values[row * width + column] = pooling === "mean" ? (a + b + c + d) / 4 : Math.max(a, b, c, d);
    }
  }
  return { values, width, height, origin: 0, across: 1, down: width };
}
