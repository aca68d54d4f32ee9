/** Where held-out normals, thresholds and one image's score lie on a plot of scores. */

import { linear, type Scale, type Span } from "./scale";

/** A score farther out than this many times the normals' spread is shown at the edge, with an arrow. */
const FARTHEST = 0.7;
/** Room beside the outermost of what is shown, as a share of its spread. */
const MARGIN = 0.04;

export interface DistributionPlace {
  domain: Span;
  scale: Scale;
  /** Where the image's score stands; "above" and "below" where it lies beyond the plot. */
  beyond: "above" | "below" | null;
}

/**
 * `scores` ascending; `score` null for a plot of normals alone. A far outlier must not press the normals, which
 * give it its meaning, into a line.
 */
export function placeDistribution(
  scores: readonly number[],
  thresholds: readonly number[],
  score: number | null,
  range: Span,
): DistributionPlace {
  const known = [...scores.slice(0, 1), ...scores.slice(-1), ...thresholds];
  let low = Math.min(...known);
  let high = Math.max(...known);
  const spread = high - low || Math.abs(high) || 1;
  let beyond: DistributionPlace["beyond"] = null;
  if (score !== null) {
    if (score > high + FARTHEST * spread) beyond = "above";
    else if (score < low - FARTHEST * spread) beyond = "below";
    else [low, high] = [Math.min(low, score), Math.max(high, score)];
  }
  if (beyond === "above") high += 0.25 * spread;
  if (beyond === "below") low -= 0.25 * spread;
  const margin = MARGIN * (high - low || spread);
  const domain: Span = [low - margin, high + margin];
  return { domain, scale: linear(domain, range), beyond };
}

/** The score that `share` of the normals do not exceed, by the nearest rank. */
export function quantile(scores: readonly number[], share: number): number | null {
  return scores[Math.max(0, Math.ceil(share * scores.length) - 1)] ?? null;
}

/** How many of the normals are above a threshold: they would be false alarms. */
export function above(scores: readonly number[], threshold: number): number {
  return scores.filter((one) => one > threshold).length;
}
