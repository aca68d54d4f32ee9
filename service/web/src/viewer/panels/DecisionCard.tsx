/** The first thing to read: the decision in a word, and what it means in a sentence. */

import type { Decision, Result } from "../../api/types";
import { formalDecision, HEADLINES, sentenceOf, verdictOf } from "./meaning";

const MARKS = { "out-of-scope": "⊘", flagged: "▲", "not-flagged": "○", undecided: "?" } as const;

interface Props {
  result: Result;
  decision: Decision | null;
  normals: number | null;
}

export function DecisionCard({ result, decision, normals }: Props) {
  if (!decision) return <p class="decision">The model has no operating points: nothing is decided.</p>;
  const verdict = verdictOf(result, decision);
  return (
    <div class="decision" data-verdict={verdict} role="status">
      <h2>
        <span aria-hidden="true">{MARKS[verdict]}</span> {HEADLINES[verdict]}
      </h2>
      <p>{sentenceOf(result, decision, normals)}</p>
      {verdict === "out-of-scope" && <p class="hint">{formalDecision(decision)}</p>}
      <p class="research-short">Research use only; not a diagnosis.</p>
    </div>
  );
}
