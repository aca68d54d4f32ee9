/** The arithmetic of the strip of slice scores. */

import type { SliceScore } from "../../api/types";
import { linear, type Scale, type Span } from "../../plots/scale";

export interface Strip {
  /** By slice; null for one that the model did not look at. */
  scores: readonly (number | null)[];
  domain: Span;
  /** From a score to a height: 100 is the bottom, 0 the top. */
  height: Scale;
  /** The slice with the highest score; -1 where none has one. */
  worst: number;
}

/** Room above the highest bar, as a share of the whole. */
const HEADROOM = 0.08;
/** What stays free between two bars, as a share of a slice's width, while bars are wide enough to show it. */
const GAP = 0.16;
const MOST_WITH_GAPS = 200;

export function stripOf(slices: readonly SliceScore[], count: number, threshold: number | null): Strip {
  const scores = new Array<number | null>(count).fill(null);
  let worst = -1;
  for (const { index, score } of slices) {
    if (index < 0 || index >= count) continue;
    scores[index] = score;
    if (worst < 0 || score > (scores[worst] ?? -Infinity)) worst = index;
  }
  const known = [...scores.filter((one) => one !== null), ...(threshold === null ? [] : [threshold])];
  const low = Math.min(0, ...known);
  const high = Math.max(...known, low);
  const top = high === low ? low + 1 : high + HEADROOM * (high - low);
  return { scores, domain: [low, top], height: linear([low, top], [100, 0]), worst };
}

/** One path for many bars, a slice wide each: a thousand elements would be slow. */
export function barsPath({ scores, height }: Strip, isDrawn: (score: number) => boolean): string {
  const gap = scores.length <= MOST_WITH_GAPS ? GAP : 0;
  const width = Number((1 - gap).toFixed(2));
  return scores
    .map((score, index) => {
      if (score === null || !isDrawn(score)) return "";
      const top = Number(height(score).toFixed(2));
      return `M${Number((index + gap / 2).toFixed(2))} 100V${top}h${width}V100z`;
    })
    .join("");
}

/** Stretches `[first, last]` of slices without a score. */
export function gapsOf(scores: readonly (number | null)[]): [number, number][] {
  const gaps: [number, number][] = [];
  scores.forEach((score, index) => {
    if (score !== null) return;
    const last = gaps.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else gaps.push([index, index]);
  });
  return gaps;
}

/** The slice under a place, which is a share of the strip's width. */
export function sliceAt(share: number, count: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor(share * count)));
}

const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -Infinity,
  End: Infinity,
};

/** Where a key leads; null for a key that is not the strip's. */
export function sliceByKey(name: string, slice: number, count: number): number | null {
  const step = STEPS[name];
  return step === undefined ? null : Math.min(count - 1, Math.max(0, slice + step));
}
