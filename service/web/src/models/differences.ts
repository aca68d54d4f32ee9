/** What two models say differently about one image, in words. */

import type { Decision, Finding, Result } from "../api/types";
import { rateText, verdictOf, type Verdict } from "../viewer/panels/meaning";

export interface Opinion {
  /** The model's reference. */
  model: string;
  result: Pick<Result, "warnings" | "findings" | "slices">;
  decision: Decision;
}

export function differences(one: Opinion, other: Opinion): string[] {
  return [decisionText(one, other), findingsText(one, other), slicesText(one, other)].filter(
    (text) => text !== "",
  );
}

function decisionText(one: Opinion, other: Opinion): string {
  const verdicts: [Verdict, Verdict] = [
    verdictOf(one.result, one.decision),
    verdictOf(other.result, other.decision),
  ];
  const rate = `${rateText(one.decision.false_alarm_rate)} false alarms`;
  const strangers = [one, other]
    .filter((_, index) => verdicts[index] === "out-of-scope")
    .map(({ model }) => model);
  if (strangers.length === 2)
    return "The image is out of scope for both models: their agreement or not says nothing.";
  if (strangers.length === 1)
    return `The image is out of scope for ${strangers[0]}: its number says nothing.`;
  if (verdicts[0] === verdicts[1]) {
    const both: Record<Verdict, string> = {
      flagged: `They agree: both flag the image at ${rate}.`,
      "not-flagged": `They agree: neither flags the image at ${rate}.`,
      undecided: `Neither decides at ${rate}: too few calibration patients.`,
      "out-of-scope": "",
    };
    return both[verdicts[0]];
  }
  const words = {
    flagged: "flags the image",
    "not-flagged": "does not",
    undecided: "cannot decide",
    "out-of-scope": "",
  };
  const begin = verdicts.includes("undecided") ? "They cannot be compared" : "They disagree";
  const [first, second] = verdicts[0] === "not-flagged" ? [1, 0] : [0, 1];
  const opinions = [one, other];
  const say = (place: number) => `${opinions[place]?.model} ${words[verdicts[place as 0 | 1]]}`;
  return `${begin} at ${rate}: ${say(first)}, ${say(second)}.`;
}

function findingsText(one: Opinion, other: Opinion): string {
  const [own, others] = [one.result.findings, other.result.findings];
  if (own.length === 0 && others.length === 0) return "Neither has a finding.";
  if (own.length === 0 || others.length === 0) {
    const [has, lacks] = own.length > 0 ? [one, other] : [other, one];
    return `${has.model} has ${counted(has.result.findings.length)}, ${lacks.model} none.`;
  }
  const met = own.filter((finding) => others.some((another) => meet(finding, another))).length;
  const share =
    met === own.length ? (met === 1 ? "it" : "all of them") : met === 0 ? "none of them" : `${met} of them`;
  return (
    `${one.model} has ${counted(own.length)}; ${share} ${met === 1 || met === 0 ? "lies" : "lie"} where ` +
    `${other.model}, which has ${others.length}, has one too (their boxes overlap).`
  );
}

const counted = (count: number): string => `${count} finding${count === 1 ? "" : "s"}`;

/** Whether two boxes share a voxel; corners are inclusive. */
export function meet(one: Finding, other: Finding): boolean {
  const [first, last] = one.box_voxels;
  const [begin, end] = other.box_voxels;
  return [0, 1, 2].every(
    (axis) => (first[axis] ?? 0) <= (end[axis] ?? 0) && (begin[axis] ?? 0) <= (last[axis] ?? 0),
  );
}

function slicesText(one: Opinion, other: Opinion): string {
  const [own, others] = [highest(one), highest(other)];
  if (own === null || others === null) return "";
  if (own === others) return `Both score slice ${own + 1} highest.`;
  return `${one.model} scores slice ${own + 1} highest, ${other.model} slice ${others + 1}.`;
}

/** Null where there is one slice, or none has a score. */
function highest({ result: { slices } }: Opinion): number | null {
  const [first, ...rest] = slices;
  if (!first || rest.length === 0) return null;
  return rest.reduce((best, slice) => (slice.score > best.score ? slice : best), first).index;
}
