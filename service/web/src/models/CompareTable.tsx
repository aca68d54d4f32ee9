/** Two results in numbers, side by side, and in words what differs. */

import type { Decision, Result } from "../api/types";
import { number } from "../ui/format";
import { HEADLINES, percentileText, pText, verdictOf } from "../viewer/panels/meaning";
import { differences } from "./differences";
import { shortNames } from "./pair";

export interface Side {
  result: Result;
  decision: Decision;
  normals: number | null;
}

export function CompareTable({ sides }: { sides: readonly [Side, Side] }) {
  const names = shortNames(sides.map(({ result }) => result.model));
  const [one, other] = sides.map(({ result, decision }, place) => ({
    model: names[place] ?? result.model,
    result,
    decision,
  }));
  const rows: [string, (side: Side) => string][] = [
    ["percentile", ({ result }) => percentileText(result.percentile)],
    ["p-value", ({ result }) => pText(result.p_value)],
    ["threshold", ({ decision }) => (decision.threshold === null ? "none" : number(decision.threshold))],
    ["score", ({ result }) => number(result.score)],
    ["findings", ({ result }) => `${result.findings.length}`],
    ["held-out normals", ({ normals }) => (normals === null ? "" : `${normals}`)],
  ];
  return (
    <>
      <ul>{one && other && differences(one, other).map((text) => <li key={text}>{text}</li>)}</ul>
      <table>
        <thead>
          <tr>
            <td />
            {sides.map(({ result }) => (
              <th key={result.model} scope="col">
                {result.model}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">decision</th>
            {sides.map(({ result, decision }) => {
              const verdict = verdictOf(result, decision);
              return (
                <td key={result.model} class={`${verdict}-text`}>
                  {HEADLINES[verdict].toLowerCase()}
                </td>
              );
            })}
          </tr>
          {rows.map(([name, text]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {sides.map((side) => (
                <td key={side.result.model}>{text(side)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        Scores and heatmaps of two models are on scales of their own: compare percentile, p-value and
        decision.
      </p>
    </>
  );
}
