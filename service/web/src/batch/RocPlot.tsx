/** Sensitivity against false-alarm rate over all thresholds, with the operating points on the curve. */

import { pointFigures, pointName, type Curve } from "./analysis";

const SIZE = 262;
const LEFT = 46;
const TOP = 8;
const RIGHT = 12;
const BOTTOM = 40;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

export function RocPlot({ id, curve }: { id: string; curve: Curve }) {
  const x = (rate: number) => LEFT + rate * SIZE;
  const y = (rate: number) => TOP + (1 - rate) * SIZE;
  const line = curve.roc.map(({ falseAlarmRate, sensitivity }) => `${x(falseAlarmRate)},${y(sensitivity)}`);
  const points = pointFigures.value.flatMap(({ point, sensitivity, falseAlarms }) =>
    sensitivity && falseAlarms
      ? [
          {
            name: point.name,
            hit: sensitivity.count / sensitivity.of,
            alarm: falseAlarms.count / falseAlarms.of,
          },
        ]
      : [],
  );
  return (
    <svg
      id={id}
      class="plot roc"
      viewBox={`0 0 ${LEFT + SIZE + RIGHT} ${TOP + SIZE + BOTTOM}`}
      role="img"
      aria-labelledby={`${id}-title`}
    >
      <title id={`${id}-title`}>
        {`ROC curve, AUROC ${curve.auroc.toFixed(3)}. The table of operating points has the rates on it.`}
      </title>
      {TICKS.map((value) => (
        <g key={value} class="axis">
          <line class="grid" x1={x(value)} x2={x(value)} y1={y(0)} y2={y(1)} />
          <line class="grid" x1={x(0)} x2={x(1)} y1={y(value)} y2={y(value)} />
          <text x={x(value)} y={y(0) + 16} text-anchor="middle">
            {value}
          </text>
          <text x={x(0) - 7} y={y(value) + 4} text-anchor="end">
            {value}
          </text>
        </g>
      ))}
      <line class="chance" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
      <polygon class="area" points={[...line, `${x(1)},${y(0)}`, `${x(0)},${y(0)}`].join(" ")} />
      <polyline class="curve" points={line.join(" ")} />
      {points.map(({ name, hit, alarm }) => (
        <g key={name} class={name === pointName.value ? "on-curve chosen" : "on-curve"}>
          <circle cx={x(alarm)} cy={y(hit)} r={name === pointName.value ? 6 : 4.5} />
          <text {...beside(x(alarm), y(hit))}>{name}</text>
        </g>
      ))}
      <text class="axis" x={x(0.5)} y={y(0) + 34} text-anchor="middle">
        false-alarm rate
      </text>
      <text class="axis" transform={`translate(11 ${y(0.5)}) rotate(-90)`} text-anchor="middle">
        sensitivity
      </text>
    </svg>
  );
}

/** A point's name stands right of it and below, where the curve is not. */
function beside(x: number, y: number): { x: number; y: number; "text-anchor": "start" | "end" } {
  const isRight = x > LEFT + 0.85 * SIZE;
  return {
    x: isRight ? x - 10 : x + 9,
    y: Math.min(y + 15, TOP + SIZE - 4),
    "text-anchor": isRight ? "end" : "start",
  };
}
