/** How the scores lie, a strip for each label, with the thresholds of the operating points across all of them. */

import { useComputed } from "@preact/signals";
import { pointName, scoresWith, shown } from "./analysis";
import { binsOf, histogram, ticks, type Bins } from "./bins";
import type { Label } from "./labels";

const WIDTH = 460;
const LEFT = 108;
const RIGHT = 14;
const TOP = 34;
const BOTTOM = 38;
/** The plot is as high as the ROC beside it, however many strips share it. */
const STRIPS_HEIGHT = 238;
const STRIP_GAP = 16;
const BINS = 32;

const STRIPS: { label: Label | null; title: string; mark: string }[] = [
  { label: 0, title: "normal", mark: "normal" },
  { label: 1, title: "anomalous", mark: "anomalous" },
  { label: null, title: "unlabelled", mark: "unlabelled" },
];

export function Histogram({ id }: { id: string }) {
  const strips = useComputed(() =>
    STRIPS.map((strip) => ({ ...strip, scores: scoresWith(strip.label) })).filter(
      ({ scores }) => scores.length,
    ),
  );
  const points = shown.value?.operating_points.filter(({ threshold }) => threshold !== null) ?? [];
  const thresholds = points.map(({ threshold }) => Number(threshold));
  const scores = strips.value.flatMap((strip) => strip.scores);
  const bins = binsOf([...scores, ...thresholds], BINS);
  const x = (score: number) =>
    LEFT + ((score - bins.start) / (bins.width * bins.count)) * (WIDTH - LEFT - RIGHT);
  const strip = (STRIPS_HEIGHT + STRIP_GAP) / strips.value.length - STRIP_GAP;
  const height = TOP + STRIPS_HEIGHT + BOTTOM;
  const foot = height - BOTTOM;
  return (
    <svg id={id} class="plot" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={`${id}-title`}>
      <title id={`${id}-title`}>
        {`Histogram of the scores: ${strips.value.map(({ title, scores: all }) => said(title, all)).join("; ")}.`}
      </title>
      {strips.value.map(({ title, mark, scores: all }, index) => (
        <Strip
          key={title}
          title={title}
          mark={mark}
          scores={all}
          bins={bins}
          x={x}
          tall={strip}
          foot={TOP + index * (strip + STRIP_GAP) + strip}
        />
      ))}
      {spread(points.map(({ name, threshold }) => ({ name, at: x(Number(threshold)) }))).map(
        ({ name, at, textAt }) => (
          <g key={name} class={name === pointName.value ? "threshold chosen" : "threshold"}>
            <line x1={at} x2={at} y1={TOP - 8} y2={foot} />
            <text x={textAt} y={TOP - 14} text-anchor="middle">
              {name}
            </text>
          </g>
        ),
      )}
      <text class="axis" x={LEFT - 10} y={TOP - 14} text-anchor="end">
        operating point
      </text>
      {ticks(bins.start, bins.start + bins.width * bins.count, 7).map((value) => (
        <g key={value} class="axis">
          <line x1={x(value)} x2={x(value)} y1={foot} y2={foot + 4} />
          <text x={x(value)} y={foot + 17} text-anchor="middle">
            {value}
          </text>
        </g>
      ))}
      <text class="axis" x={(LEFT + WIDTH - RIGHT) / 2} y={height - 4} text-anchor="middle">
        score (higher departs further from normal)
      </text>
    </svg>
  );
}

interface StripProps {
  title: string;
  mark: string;
  scores: number[];
  bins: Bins;
  x: (score: number) => number;
  tall: number;
  foot: number;
}

function Strip({ title, mark, scores, bins, x, tall, foot }: StripProps) {
  const counts = histogram(scores, bins);
  const most = Math.max(...counts);
  const top = (count: number) => foot - (count / most) * tall;
  return (
    <g>
      <text class="strip-title" x={LEFT - 10} y={foot - tall / 2} text-anchor="end">
        {title}
      </text>
      <text class="axis" x={LEFT - 10} y={foot - tall / 2 + 15} text-anchor="end">
        n = {scores.length}
      </text>
      <g class="axis">
        <line x1={LEFT - 4} x2={LEFT} y1={top(most)} y2={top(most)} />
        <text x={LEFT - 8} y={top(most) + 8} text-anchor="end">
          {most}
        </text>
      </g>
      {counts.map((count, bin) => {
        const from = x(bins.start + bin * bins.width);
        const to = x(bins.start + (bin + 1) * bins.width);
        return count ? (
          <rect
            key={bin}
            class={`bin ${mark}`}
            x={from}
            y={top(count)}
            width={to - from - 1}
            height={foot - top(count)}
          />
        ) : null;
      })}
      <line class="base" x1={LEFT} x2={LEFT} y1={foot - tall} y2={foot} />
      <line class="base" x1={LEFT} x2={WIDTH - RIGHT} y1={foot} y2={foot} />
    </g>
  );
}

/** Names of thresholds that lie close together are moved apart. */
function spread(points: { name: string; at: number }[]): { name: string; at: number; textAt: number }[] {
  let last = -Infinity;
  return [...points]
    .sort((one, other) => one.at - other.at)
    .map((point) => {
      last = Math.max(point.at, last + 34);
      return { ...point, textAt: last };
    });
}

function said(title: string, scores: number[]): string {
  const sorted = [...scores].sort((one, other) => one - other);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const [low = 0, high = 0] = [sorted[0], sorted.at(-1)];
  return `${scores.length} ${title}, from ${low.toFixed(3)} to ${high.toFixed(3)}, median ${median.toFixed(3)}`;
}
