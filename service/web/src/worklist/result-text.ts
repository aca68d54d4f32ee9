/** What a row says of its result and its state: never a bare number. */

import type { Job, Summary } from "../api/types";
import { number, seconds } from "../ui/format";
import type { RowState } from "./rows";

export type Decision = "flagged" | "clear" | "undecided" | "out-of-scope";

export interface ResultText {
  decision: Decision;
  /** "Flagged". */
  label: string;
  /** "99.5th percentile". */
  percentile: string;
  /** "score 0.64 · 2 findings". */
  rest: string;
  /** "1 warning", "" for none. */
  warned: string;
}

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DATE = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const LABELS: Record<Decision, string> = {
  flagged: "Flagged",
  clear: "Not flagged",
  undecided: "Not decided",
  "out-of-scope": "Out of scope",
};

export const STATE_WORDS: Record<RowState, string> = {
  waiting: "Waiting to be sent",
  sending: "Sending",
  refused: "Not sent",
  queued: "Queued",
  running: "Running",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
};

/** Out of scope a score says nothing, so that it decides nothing. */
export function decisionOf({ in_scope, pred_label }: Summary): Decision {
  if (!in_scope) return "out-of-scope";
  if (pred_label === null) return "undecided";
  return pred_label ? "flagged" : "clear";
}

export function resultText(summary: Summary): ResultText {
  const decision = decisionOf(summary);
  const rest = [`score ${number(summary.score)}`];
  if (summary.findings > 0) rest.push(counted(summary.findings, "finding"));
  const warned = summary.warnings > 0 ? counted(summary.warnings, "warning") : "";
  return {
    decision,
    label: LABELS[decision],
    percentile: percentileText(summary.percentile),
    rest: rest.join(" · "),
    warned,
  };
}

/** "99.5th percentile"; only the very last is the 100th, so that rounding promises no more than was measured. */
export function percentileText(percentile: number): string {
  const shown = percentile < 100 ? Math.floor(10 * percentile + 1e-6) / 10 : percentile;
  return `${shown}${suffixOf(shown)} percentile`;
}

function suffixOf(shown: number): string {
  if (Number.isInteger(shown) && [11, 12, 13].includes(shown % 100)) return "th";
  const last = Number(String(shown).at(-1));
  return ["th", "st", "nd", "rd"][last] ?? "th";
}

/** "43 % · 12 s left" of a running job, "about 30 s left" of a queued one; "" where nobody can know yet. */
export function progressText({ state, progress, seconds_left }: Job): string {
  const left = seconds_left === null ? "" : `${seconds(seconds_left)} left`;
  if (state === "queued") return left && `about ${left}`;
  return [`${Math.round(100 * progress)} %`, left].filter(Boolean).join(" · ");
}

/** The time of today's, the date of all others. */
export function createdText(iso: string, now = new Date()): string {
  const moment = new Date(iso);
  const isToday = moment.toDateString() === now.toDateString();
  return (isToday ? TIME : DATE).format(moment);
}

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
