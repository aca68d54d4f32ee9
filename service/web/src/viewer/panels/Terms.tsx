/** Score, percentile and p-value, each with the line that explains it one key press away. */

import type { Result } from "../../api/types";
import { number } from "../../ui/format";
import { percentileText, pText } from "./meaning";

export function Terms({ result, normals }: { result: Result; normals: number | null }) {
  const images = normals === null ? "the held-out normal images" : `${normals} held-out normal images`;
  const terms: [string, string, string][] = [
    [
      "Score",
      number(result.score),
      "How far the image departs from what the model knows as normal. It has no unit and compares with scores of this model alone.",
    ],
    [
      "Percentile",
      percentileText(result.percentile),
      `The share of ${images} that score lower. 50 % is an everyday normal.`,
    ],
    [
      "p-value",
      pText(result.p_value),
      "How often a normal image like those would score at least as high. It is not the chance that this image is normal.",
    ],
  ];
  return (
    <div class="terms">
      {terms.map(([name, value, text]) => (
        <details key={name}>
          <summary>
            <span>{name}</span>
            <b>{value}</b>
          </summary>
          <p>{text}</p>
        </details>
      ))}
    </div>
  );
}
