/**
 * Figures of merit of scores against labels: ROC, AUROC, AUPRC, rates at thresholds and their intervals.
 *
 * Source: Fawcett, An introduction to ROC analysis, 2006 (the curve; ties are one step); Hanley and McNeil, 1982
 * (AUROC as the Mann-Whitney statistic, ties count half); Wilson, 1927 (the interval of a share).
 */

import type { Label } from "./labels";

export interface Scored {
  score: number;
  label: Label;
}

/** How many normal and anomalous images have each score; scores descend. */
export interface Levels {
  scores: number[];
  normal: number[];
  anomalous: number[];
}

export interface RocPoint {
  /** Images with this score or a higher one are flagged; Infinity where none is. */
  threshold: number;
  falseAlarmRate: number;
  sensitivity: number;
}

export interface Interval {
  low: number;
  high: number;
}

export interface Share extends Interval {
  count: number;
  of: number;
}

/** The normal quantile of a two-sided 95 % interval. */
const Z = 1.959963984540054;

export function levelsOf(images: readonly Scored[]): Levels {
  const levels: Levels = { scores: [], normal: [], anomalous: [] };
  for (const { score, label } of [...images].sort((one, other) => other.score - one.score)) {
    if (levels.scores.at(-1) !== score) {
      levels.scores.push(score);
      levels.normal.push(0);
      levels.anomalous.push(0);
    }
    const counts = label === 1 ? levels.anomalous : levels.normal;
    counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1;
  }
  return levels;
}

/** From (0, 0) to (1, 1). Both classes must be there. */
export function rocOf(levels: Levels): RocPoint[] {
  const [normals, anomalous] = [sum(levels.normal), sum(levels.anomalous)];
  const points: RocPoint[] = [{ threshold: Infinity, falseAlarmRate: 0, sensitivity: 0 }];
  let [alarms, hits] = [0, 0];
  levels.scores.forEach((threshold, index) => {
    alarms += levels.normal[index] ?? 0;
    hits += levels.anomalous[index] ?? 0;
    points.push({ threshold, falseAlarmRate: alarms / normals, sensitivity: hits / anomalous });
  });
  return points;
}

/** How often an anomalous image scores above a normal one; ties count half. NaN without either. */
export function auroc({ normal, anomalous }: Pick<Levels, "normal" | "anomalous">): number {
  let [above, pairs, normals] = [0, 0, 0];
  for (let index = 0; index < normal.length; index += 1) {
    const [n, a] = [normal[index] ?? 0, anomalous[index] ?? 0];
    // `pairs`: of an anomalous image with a normal one of a lower score, were there as many normals as seen so far.
    pairs += n * (above + a / 2);
    above += a;
    normals += n;
  }
  return pairs / (above * normals);
}

/** Average precision: the mean of the precision at each anomalous image, ties as one step. */
export function auprc({ normal, anomalous }: Pick<Levels, "normal" | "anomalous">): number {
  let [hits, flagged, total] = [0, 0, 0];
  for (let index = 0; index < normal.length; index += 1) {
    const a = anomalous[index] ?? 0;
    hits += a;
    flagged += a + (normal[index] ?? 0);
    if (a) total += (a * hits) / flagged;
  }
  return total / hits;
}

/** The images of one label that are flagged at a threshold, that is, score above it. */
export function flaggedShare(images: readonly Scored[], label: Label, threshold: number): Share {
  const scores = images.filter((image) => image.label === label).map(({ score }) => score);
  const count = scores.filter((score) => score > threshold).length;
  return { count, of: scores.length, ...wilson(count, scores.length) };
}

/** Wilson's 95 % interval of a share; 0 to 1 where there is nothing to tell. */
export function wilson(count: number, of: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const share = count / of;
  const scale = 1 + Z ** 2 / of;
  const center = (share + Z ** 2 / (2 * of)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2));
  // At 0 and at all of them the interval ends there exactly, but for rounding.
  return { low: count === 0 ? 0 : center - half, high: count === of ? 1 : center + half };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
