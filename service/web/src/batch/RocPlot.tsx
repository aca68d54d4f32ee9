/** Sensitivity against false-alarm rate over all thresholds, with the operating points on the curve. */

import { pointFigures, pointName, type Curve } from "./analysis";

const SIZE = 262;
const LEFT = 46;
const TOP = 8;
const RIGHT = 12;
const BOTTOM = 40;
/** Room for “10%”. */
const NAME_WIDTH = 28;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

export function RocPlot({ id, curve }: { id: string; curve: Curve }) {
  const x = (rate: number) => LEFT + rate * SIZE;
  const y = (rate: number) => TOP + (1 - rate) * SIZE;
  const line = curve.roc.map(({ falseAlarmRate, sensitivity }) => `${x(falseAlarmRate)},${y(sensitivity)}`);
  const points = pointFigures.value.flatMap(({ point: { name }, sensitivity, falseAlarms }) =>
    sensitivity && falseAlarms
      ? [{ name, x: x(falseAlarms.count / falseAlarms.of), y: y(sensitivity.count / sensitivity.of) }]
      : [],
  );
  const names = namesBeside(points);
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
      {points.map(({ name, x: across, y: up }, index) => (
        <g key={name} class={name === pointName.value ? "on-curve chosen" : "on-curve"}>
          <circle cx={across} cy={up} r={name === pointName.value ? 6 : 4.5} />
          <text x={names[index]?.x} y={names[index]?.y} text-anchor={names[index]?.anchor}>
            {name}
          </text>
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

interface Place {
  x: number;
  y: number;
  anchor: "start" | "end";
}

/** For each point where its name stands: below it, where the curve seldom is, or wherever no other name is. */
function namesBeside(points: readonly { x: number; y: number }[]): Place[] {
  const taken: Place[] = [];
  for (const { x, y } of points) {
    const places: Place[] = [y + 15, y - 9, y - 23].flatMap((at) => [
      { x: x + 9, y: at, anchor: "start" },
      { x: x - 9, y: at, anchor: "end" },
    ]);
    taken.push(places.find((place) => isFree(place, taken)) ?? { x: x + 9, y, anchor: "start" });
  }
  return taken;
}

function isFree(place: Place, taken: readonly Place[]): boolean {
  const { left, right } = reach(place);
  const isInside = right <= LEFT + SIZE && left >= LEFT && place.y <= TOP + SIZE - 4;
  return (
    isInside &&
    taken.every(
      (other) => Math.abs(other.y - place.y) > 12 || reach(other).left > right || reach(other).right < left,
    )
  );
}

function reach({ x, anchor }: Place): { left: number; right: number } {
  return anchor === "start" ? { left: x, right: x + NAME_WIDTH } : { left: x - NAME_WIDTH, right: x };
}
