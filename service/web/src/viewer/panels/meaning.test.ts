import { expect, test } from "vitest";
import type { Decision } from "../../api/types";
import {
  cautionsOf,
  formalDecision,
  normalsNeeded,
  percentileText,
  pText,
  sentenceOf,
  verdictOf,
} from "./meaning";

const at = (flagged: boolean | null, rate = 0.05): Decision => ({
  operating_point: `${100 * rate}%`,
  false_alarm_rate: rate,
  threshold: flagged === null ? null : 0.4,
  flagged,
});
const scored = (percentile: number, p_value: number, warnings: string[] = []) => ({
  percentile,
  p_value,
  warnings,
});

test("a flagged image is said to be higher than a share of the normals", () => {
  // 183 of 184 lie below: 99.456 %, and (1 + 1) / 185 = 0.0108.
  expect(sentenceOf(scored((100 * 183) / 184, 2 / 185), at(true), 184)).toBe(
    "Its score is higher than those of 99.5 % of 184 held-out normal images (p = 0.011); " +
      "the chosen operating point allows 5 % false alarms.",
  );
});

test("a score above every normal is higher than all of them", () => {
  expect(sentenceOf(scored(100, 1 / 185), at(true, 0.01), 184)).toBe(
    "Its score is higher than those of all 184 held-out normal images (p = 0.005); " +
      "the chosen operating point allows 1 % false alarms.",
  );
});

test("an image that is not flagged is not called normal", () => {
  expect(sentenceOf(scored(40, 0.6), at(false), 184)).toBe(
    "Its score is higher than those of 40 % of 184 held-out normal images (p = 0.60); " +
      "the chosen operating point allows 5 % false alarms. That does not make the image normal.",
  );
});

test("a score below every normal is no higher than any", () => {
  expect(sentenceOf(scored(0, 1), at(false), null)).toContain(
    "no higher than that of any of the held-out normal images (p = 1.00)",
  );
});

test("an undecided image is told how many normals a decision takes", () => {
  expect(verdictOf({ warnings: [] }, at(null, 0.01))).toBe("undecided");
  expect(sentenceOf(scored(98, 2 / 51), at(null, 0.01), 50)).toBe(
    "Its score is higher than those of 98 % of 50 held-out normal images (p = 0.039), but " +
      "50 calibration patients are too few for a threshold at 1 % false alarms (99 needed).",
  );
});

test("out of scope takes the meaning from every decision", () => {
  const result = scored(100, 1 / 185, ["out of scope: modality is CT, the model is for CR"]);
  for (const flagged of [true, false, null]) expect(verdictOf(result, at(flagged))).toBe("out-of-scope");
  expect(sentenceOf(result, at(true), 184)).toMatch(
    /^Scored although out of scope: the number says nothing\./,
  );
  expect(sentenceOf(result, at(true), 184)).not.toContain("100");
});

test("what the number alone would decide is said as that", () => {
  expect(formalDecision(at(true))).toBe("By the number alone it would be flagged at 5 % false alarms.");
  expect(formalDecision(at(false, 0.1))).toBe(
    "By the number alone it would not be flagged at 10 % false alarms.",
  );
  expect(formalDecision(at(null, 0.01))).toBe("It would not be decided at 1 % false alarms.");
});

test("a percentile is never rounded to all or none", () => {
  expect([0, 0.02, 12.34, 99.456, 99.98, 100].map(percentileText)).toEqual([
    "0 %",
    "0.1 %",
    "12.3 %",
    "99.5 %",
    "99.9 %",
    "100 %",
  ]);
});

test("a p-value keeps what tells it from zero", () => {
  expect([1, 0.25, 0.0541, 0.0054, 0.0002].map(pText)).toEqual(["1.00", "0.25", "0.054", "0.005", "0.0002"]);
});

test("rates need as many normals as a p-value that small", () => {
  expect([0.01, 0.05, 0.1].map(normalsNeeded)).toEqual([99, 19, 9]);
});

test("out of scope comes first, then few normals, then the rest", () => {
  const warnings = ["the slices are unevenly spaced", "out of scope: modality is CT"];
  expect(cautionsOf(warnings, 50)).toEqual([
    { kind: "scope", text: "Modality is CT." },
    {
      kind: "few",
      text: "Only 50 held-out normal images stand behind percentile and p-value: they move in steps of 2 %.",
    },
    { kind: "other", text: "The slices are unevenly spaced." },
  ]);
  expect(cautionsOf([], 100)).toEqual([]);
});
