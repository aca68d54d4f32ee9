/** Figures with their intervals, as a table whose last column draws them. */

import { number } from "../ui/format";
import { linear, ticks, type Span } from "./scale";
import "./plots.css";

export interface Figure {
  name: string;
  /** One line on what it says. */
  hint: string;
  value: number;
  low: number | null;
  high: number | null;
}

/** 0 to 1, as rates are, wider where a figure lies outside. */
export function spanOf(figures: readonly Figure[]): Span {
  const all = figures.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  return [Math.min(0, ...all), Math.max(1, ...all)];
}

/** Three decimals, as the card has them: digits that do not change their place can be compared at a glance. */
const DECIMALS = 3;

export const intervalText = ({ value, low, high }: Pick<Figure, "value" | "low" | "high">): string =>
  low === null || high === null
    ? value.toFixed(DECIMALS)
    : `${value.toFixed(DECIMALS)} (${low.toFixed(DECIMALS)} to ${high.toFixed(DECIMALS)})`;

export function Whiskers({ figures, caption }: { figures: readonly Figure[]; caption: string }) {
  const span = spanOf(figures);
  // A little inside, so that dots at the ends are whole.
  const place = linear(span, [2, 98]);
  const percent = (value: number): string => `${place(value)}%`;
  return (
    <table class="whiskers">
      <caption class="hint">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col">Value</th>
          <th aria-hidden="true" class="whisker-cell">
            <svg class="axis" height="16">
              {ticks(span, 3).map((value) => (
                <text key={value} x={percent(value)} y="12" text-anchor="middle">
                  {number(value)}
                </text>
              ))}
            </svg>
          </th>
        </tr>
      </thead>
      <tbody>
        {figures.map((figure) => (
          <tr key={figure.name}>
            <th scope="row">
              {figure.name}
              <span class="hint">{figure.hint}</span>
            </th>
            <td>{intervalText(figure)}</td>
            <td aria-hidden="true" class="whisker-cell">
              <svg height="24">
                {ticks(span, 3).map((value) => (
                  <line key={value} class="grid" x1={percent(value)} x2={percent(value)} y1="0" y2="24" />
                ))}
                {figure.low !== null && figure.high !== null && (
                  <line class="whisker" x1={percent(figure.low)} x2={percent(figure.high)} y1="12" y2="12" />
                )}
                <circle class="estimate" cx={percent(figure.value)} cy="12" r="5" />
              </svg>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
