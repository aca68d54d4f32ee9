/** What a result says, in sentences: a number alone says nothing to anybody. */

import type { Decision, Result } from "../../api/types";

export type Verdict = "out-of-scope" | "flagged" | "not-flagged" | "undecided";

/** Fewer held-out normals than this make percentile and p-value coarse. */
export const FEW_NORMALS = 100;

const OUT_OF_SCOPE = "out of scope: ";

type Scored = Pick<Result, "percentile" | "p_value" | "warnings">;

export function departures(warnings: readonly string[]): string[] {
  return warnings.filter((one) => one.startsWith(OUT_OF_SCOPE)).map((one) => one.slice(OUT_OF_SCOPE.length));
}

export function verdictOf({ warnings }: Pick<Result, "warnings">, decision: Decision): Verdict {
  if (departures(warnings).length > 0) return "out-of-scope";
  if (decision.flagged === null) return "undecided";
  return decision.flagged ? "flagged" : "not-flagged";
}

export const HEADLINES: Record<Verdict, string> = {
  "out-of-scope": "Out of scope",
  flagged: "Flagged",
  "not-flagged": "Not flagged",
  undecided: "Not decided",
};

/** One decimal, and never rounded up to all or down to none. */
export function percentileText(percentile: number): string {
  if (percentile <= 0) return "0 %";
  if (percentile >= 100) return "100 %";
  return `${Number(Math.min(99.9, Math.max(0.1, percentile)).toFixed(1))} %`;
}

export function pText(value: number): string {
  if (value < 0.001) return value.toPrecision(1);
  return value < 0.1 ? value.toFixed(3) : value.toFixed(2);
}

export const rateText = (rate: number): string => `${Number((100 * rate).toPrecision(3))} %`;

/** `normals`: how many held-out normals there are, if that is known. */
export function sentenceOf(result: Scored, decision: Decision, normals: number | null): string {
  const verdict = verdictOf(result, decision);
  const place = placeText(result, normals);
  const rate = rateText(decision.false_alarm_rate);
  switch (verdict) {
    case "out-of-scope":
      return "Scored although out of scope: the number says nothing. The model has not learnt what is normal in such images.";
    case "undecided":
      return `${place}, but ${few(decision, normals)}.`;
    case "flagged":
      return `${place}; the chosen operating point allows ${rate} false alarms.`;
    case "not-flagged":
      return `${place}; the chosen operating point allows ${rate} false alarms. That does not make the image normal.`;
  }
}

/** What the decision would have been, for those who scored an image that the model is not for. */
export function formalDecision(decision: Decision): string {
  const rate = `${rateText(decision.false_alarm_rate)} false alarms`;
  if (decision.flagged === null) return `It would not be decided at ${rate}.`;
  return `By the number alone it would ${decision.flagged ? "" : "not "}be flagged at ${rate}.`;
}

function placeText({ percentile, p_value }: Scored, normals: number | null): string {
  const count = normals === null ? "the" : `${normals}`;
  const p = `(p = ${pText(p_value)})`;
  if (percentile >= 100) return `Its score is higher than those of all ${count} held-out normal images ${p}`;
  if (percentile <= 0)
    return `Its score is no higher than that of any of ${count} held-out normal images ${p}`;
  return `Its score is higher than those of ${percentileText(percentile)} of ${count} held-out normal images ${p}`;
}

/** A threshold for a rate needs `ceil(1 / rate) - 1` normals: fewer cannot give so small a p-value. */
export function normalsNeeded(rate: number): number {
  return Math.ceil(1 / rate - 1e-9) - 1;
}

function few({ false_alarm_rate }: Decision, normals: number | null): string {
  const has = normals === null ? "" : `${normals} `;
  const needed = normalsNeeded(false_alarm_rate);
  return `${has}calibration patients are too few for a threshold at ${rateText(false_alarm_rate)} false alarms (${needed} needed)`;
}

export interface Caution {
  kind: "scope" | "few" | "other";
  text: string;
}

/** Every warning, the one that takes the meaning away first. */
export function cautionsOf(warnings: readonly string[], normals: number | null): Caution[] {
  const scope = departures(warnings).map((text): Caution => ({ kind: "scope", text: begin(text) }));
  const others = warnings
    .filter((one) => !one.startsWith(OUT_OF_SCOPE))
    .map((text): Caution => ({ kind: "other", text: begin(text) }));
  if (normals === null || normals >= FEW_NORMALS) return [...scope, ...others];
  const step = Number((100 / normals).toPrecision(2));
  const text = `Only ${normals} held-out normal images stand behind percentile and p-value: they move in steps of ${step} %.`;
  return [...scope, { kind: "few", text }, ...others];
}

function begin(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?)]$/.test(text) ? "" : "."}`;
}
