/**
 * Percentile intervals of AUROC and AUPRC from stratified resamples of images.
 *
 * Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
 * Differs from the model's own intervals: images are drawn, not patients, for nothing here says whose an image is.
 */

import { auprc, auroc, sum, type Interval, type Levels } from "./figures";

export const RESAMPLES = 2000;
const SEED = 1;
/** So long the page may stand still at a time. */
const CHUNK_MS = 8;

export interface Intervals {
  auroc: Interval;
  auprc: Interval;
}

/** Both intervals; the same levels give the same ones. Rejects when `signal` says so. */
export async function intervals(
  levels: Levels,
  signal: AbortSignal,
  resamples = RESAMPLES,
): Promise<Intervals> {
  const random = generator(SEED);
  const normal = expanded(levels.normal);
  const anomalous = expanded(levels.anomalous);
  const size = levels.scores.length;
  const areas = new Float64Array(resamples);
  const precisions = new Float64Array(resamples);
  let until = performance.now() + CHUNK_MS;
  for (let index = 0; index < resamples; index += 1) {
    const drawn = { normal: draw(normal, size, random), anomalous: draw(anomalous, size, random) };
    areas[index] = auroc(drawn);
    precisions[index] = auprc(drawn);
    if (performance.now() > until) {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      until = performance.now() + CHUNK_MS;
    }
  }
  return { auroc: middle(areas), auprc: middle(precisions) };
}

/** The level of each image. */
function expanded(counts: readonly number[]): Int32Array {
  const levels = new Int32Array(sum(counts));
  let at = 0;
  counts.forEach((count, level) => {
    levels.fill(level, at, at + count);
    at += count;
  });
  return levels;
}

function draw(images: Int32Array, levels: number, random: () => number): number[] {
  const counts = new Array<number>(levels).fill(0);
  for (let index = 0; index < images.length; index += 1) {
    const level = images[Math.floor(random() * images.length)] ?? 0;
    counts[level] = (counts[level] ?? 0) + 1;
  }
  return counts;
}

/** The middle 95 %, between neighbours as NumPy's percentile has it. */
function middle(values: Float64Array): Interval {
  const sorted = values.toSorted();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)] ?? NaN;
    return below + (place % 1) * ((sorted[Math.ceil(place)] ?? NaN) - below);
  };
  return { low: at(0.025), high: at(0.975) };
}

/** Numbers of [0, 1) that are the same everywhere (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
