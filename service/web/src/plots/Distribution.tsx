/** Held-out normals' scores with the operating points' thresholds and, where there is one, this image's score. */

import type { Calibration, OperatingPoint } from "../api/types";
import { number } from "../ui/format";
import { BottomAxis } from "./Axis";
import { above, placeDistribution, quantile } from "./spread";
import { columns, stackWithin } from "./dots";
import { placeLabels } from "./labels";
import { linear, type Scale } from "./scale";
import "./plots.css";

interface Props {
  calibration: Calibration;
  /** Name of the operating point that decides. */
  chosen: string;
  score?: number;
  width?: number;
}

const DOTS_HEIGHT = 78;
const ROW = 14;
const LETTER = 6.2;
const BOLD_LETTER = 7.6;
const BAR = 6;
/** How far the plot grows with its place: its letters grow too. */
const GROWTH = 1.2;

type Thresholded = OperatingPoint & { threshold: number };

export const spaced = (name: string): string => name.replace(/(\d)%/, "$1 %");

export function Distribution({ calibration, chosen, score, width = 360 }: Props) {
  const points = calibration.operating_points.filter(
    (point): point is Thresholded => point.threshold !== null,
  );
  const thresholds = points.map((point) => point.threshold);
  const { domain, scale, beyond } = placeDistribution(calibration.scores, thresholds, score ?? null, [
    0,
    width,
  ]);
  const labels = placeLabels(
    points.map((point) => ({ x: scale(point.threshold), text: spaced(point.name) })),
    width,
    LETTER,
  );
  const top =
    (score === undefined ? 0 : ROW + 4) + ROW * Math.max(1, ...labels.map(({ row }) => row + 1)) + 6;
  const ground = top + DOTS_HEIGHT;
  const stacked = stackWithin(calibration.scores.map(scale), DOTS_HEIGHT);
  const limit = points.find((point) => point.name === chosen)?.threshold ?? null;
  return (
    <figure class="distribution">
      <svg
        viewBox={`0 0 ${width} ${ground + 36}`}
        style={{ maxWidth: `${GROWTH * width}px` }}
        role="img"
        aria-label={wording(calibration, chosen, score)}
      >
        {limit !== null && (
          <rect
            class="flagged-zone"
            x={scale(limit)}
            y={top - 4}
            width={width - scale(limit)}
            height={DOTS_HEIGHT + 4}
          />
        )}
        <Normals
          scores={calibration.scores}
          stacked={stacked}
          scale={scale}
          ground={ground}
          width={width}
          limit={limit}
        />
        {points.map((point) => {
          const label = labels.find(({ text }) => text === spaced(point.name));
          const x = scale(point.threshold);
          const y = top - 8 - ROW * (label?.row ?? 0);
          return (
            <g key={point.name} class="threshold" data-chosen={point.name === chosen}>
              <line x1={x} x2={x} y1={y + 3} y2={ground} />
              <text x={label?.middle ?? x} y={y} text-anchor="middle">
                {spaced(point.name)}
              </text>
            </g>
          );
        })}
        <BottomAxis domain={domain} scale={scale} y={ground} title="score: higher is more unusual →" />
        {score !== undefined && (
          <Marker
            score={score}
            x={markerPlace(scale(score), beyond, width)}
            beyond={beyond}
            ground={ground}
            width={width}
            limit={limit}
          />
        )}
      </svg>
      <figcaption class="hint">
        {stacked ? "Each dot is one" : "The bars count"} of {calibration.scores.length} normal images that the
        model was not trained on.
      </figcaption>
      <details class="plot-table">
        <summary>As a table</summary>
        <DistributionTable
          calibration={calibration}
          chosen={chosen}
          {...(score === undefined ? {} : { score })}
        />
      </details>
    </figure>
  );
}

function markerPlace(x: number, beyond: "above" | "below" | null, width: number): number {
  if (beyond === "above") return width - 8;
  return beyond === "below" ? 8 : x;
}

interface NormalsProps {
  scores: readonly number[];
  stacked: ReturnType<typeof stackWithin>;
  scale: Scale;
  ground: number;
  width: number;
  limit: number | null;
}

/** One dot for each normal; bars where they are too many. */
function Normals({ scores, stacked, scale, ground, width, limit }: NormalsProps) {
  if (stacked) {
    const { diameter, dots } = stacked;
    return (
      <g>
        {dots.map((dot, index) => (
          <circle
            key={index}
            class="normal"
            data-flagged={limit !== null && (scores[index] ?? 0) > limit}
            cx={dot.x}
            cy={ground - (dot.level + 0.5) * diameter - 1}
            r={diameter / 2 - 0.4}
          />
        ))}
      </g>
    );
  }
  const counts = columns(scores.map(scale), BAR, Math.ceil(width / BAR));
  const height = linear([0, Math.max(...counts)], [0, DOTS_HEIGHT]);
  return (
    <g>
      {counts.map((count, column) => (
        <rect
          key={column}
          class="normal"
          data-flagged={limit !== null && column * BAR >= scale(limit)}
          x={column * BAR + 0.5}
          width={BAR - 1}
          y={ground - height(count)}
          height={height(count)}
        />
      ))}
    </g>
  );
}

interface MarkerProps {
  score: number;
  x: number;
  beyond: "above" | "below" | null;
  ground: number;
  width: number;
  limit: number | null;
}

function Marker({ score, x, beyond, ground, width, limit }: MarkerProps) {
  const arrow = { above: " →", below: "← ", none: "" }[beyond ?? "none"];
  const text =
    beyond === "below" ? `${arrow}this image ${number(score)}` : `this image ${number(score)}${arrow}`;
  const [label] = placeLabels([{ x, text }], width, BOLD_LETTER);
  return (
    <g class="this-image" data-flagged={limit !== null && score > limit}>
      <line x1={x} x2={x} y1={ROW + 2} y2={ground} />
      <path d={`M${x} ${ground - 9}l6 9h-12z`} />
      <text x={label?.middle ?? x} y={ROW - 2} text-anchor="middle">
        {text}
      </text>
    </g>
  );
}

function wording(calibration: Calibration, chosen: string, score: number | undefined): string {
  const { scores } = calibration;
  const ends = `Scores of ${scores.length} held-out normal images, from ${number(scores[0] ?? NaN)} to ${number(scores.at(-1) ?? NaN)}`;
  const limit = calibration.operating_points.find((point) => point.name === chosen)?.threshold ?? null;
  const threshold = limit === null ? "" : `; flagged above ${number(limit)} (${spaced(chosen)} false alarms)`;
  return `${ends}${threshold}${score === undefined ? "" : `; this image scores ${number(score)}`}.`;
}

const SHARES: [string, number][] = [
  ["a tenth of the normals score up to", 0.1],
  ["half of them up to", 0.5],
  ["nine tenths up to", 0.9],
  ["the highest normal", 1],
];

function DistributionTable({ calibration, chosen, score }: Pick<Props, "calibration" | "chosen" | "score">) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Score</th>
        </tr>
      </thead>
      <tbody>
        {score !== undefined && (
          <tr>
            <th scope="row">this image</th>
            <td>{number(score)}</td>
          </tr>
        )}
        {SHARES.map(([text, share]) => (
          <tr key={share}>
            <th scope="row">{text}</th>
            <td>{number(quantile(calibration.scores, share) ?? NaN)}</td>
          </tr>
        ))}
        {calibration.operating_points.map((point) => (
          <tr key={point.name}>
            <th scope="row">
              threshold at {spaced(point.name)} false alarms{point.name === chosen ? " (chosen)" : ""}
            </th>
            <td>{thresholdText(calibration, point)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function thresholdText(calibration: Calibration, { threshold }: OperatingPoint): string {
  if (threshold === null) return "none: too few held-out normals";
  const count = above(calibration.scores, threshold);
  return `${number(threshold)}, with ${count} of ${calibration.scores.length} normals above`;
}
