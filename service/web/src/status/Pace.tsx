/** Jobs done a minute over the last minutes, as far as somebody looked. */

import { history, KEPT_MS, type Sample } from "./poll";

const WIDTH = 400;
const HEIGHT = 118;
const LEFT = 30;
const TOP = 8;
const BOTTOM = 20;
/** Samples further apart than this are not joined: nobody looked between them. */
const GAP_MS = 10_000;
/** Of these the first that holds all samples is how far the plot goes back. */
const SPANS_MIN = [2, 5, KEPT_MS / 60_000];
/** The top of the scale is one of these times a power of ten. */
const TOPS = [1, 2, 3, 4, 5, 6, 8, 10];

export function Pace() {
  const samples = history.value;
  const now = samples.at(-1)?.at ?? 0;
  const most = topOf(Math.max(10, ...samples.map(({ done, failed }) => Math.max(done, failed))));
  const age = now - (samples[0]?.at ?? now);
  const span = SPANS_MIN.find((minutes) => minutes * 60_000 >= age) ?? KEPT_MS / 60_000;
  const x = (at: number) => WIDTH - ((now - at) / (span * 60_000)) * (WIDTH - LEFT);
  const y = (jobs: number) => TOP + (1 - jobs / most) * (HEIGHT - TOP - BOTTOM);
  const foot = y(0);
  const hasFailed = samples.some(({ failed }) => failed > 0);
  return (
    <svg class="pace" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby="pace-title">
      <title id="pace-title">
        {`Jobs done a minute over the last ${span} minutes: ${samples.at(-1)?.done ?? 0} now, ${most} at the top of the scale.`}
      </title>
      {[most, most / 2, 0].map((jobs) => (
        <g key={jobs}>
          <line class="scale" x1={LEFT} x2={WIDTH} y1={y(jobs)} y2={y(jobs)} />
          <text x={LEFT - 6} y={y(jobs) + 4} text-anchor="end">
            {jobs}
          </text>
        </g>
      ))}
      {[span, span / 2, 0].map((minutes) => (
        <text
          key={minutes}
          x={x(now - minutes * 60_000)}
          y={HEIGHT - 4}
          text-anchor={minutes === span ? "start" : minutes ? "middle" : "end"}
        >
          {minutes ? `${minutes} min ago` : "now"}
        </text>
      ))}
      {stretches(samples).map((stretch) => {
        const line = (of: "done" | "failed") => stretch.map((one) => `${x(one.at)},${y(one[of])}`).join(" ");
        const [first, last] = [stretch[0], stretch.at(-1)];
        if (!first || !last) return null;
        return (
          <g key={first.at}>
            <polygon class="area" points={`${x(first.at)},${foot} ${line("done")} ${x(last.at)},${foot}`} />
            <polyline class="done" points={line("done")} />
            {hasFailed ? <polyline class="failed" points={line("failed")} /> : null}
          </g>
        );
      })}
    </svg>
  );
}

/** The least round number that is not below. */
export function topOf(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return (TOPS.find((top) => top * power >= most) ?? 10) * power;
}

/** Samples without a gap between them. */
export function stretches(samples: readonly Sample[]): Sample[][] {
  const found: Sample[][] = [];
  let last = -Infinity;
  for (const sample of samples) {
    if (sample.at - last > GAP_MS) found.push([]);
    found.at(-1)?.push(sample);
    last = sample.at;
  }
  return found;
}
