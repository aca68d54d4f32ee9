import { expect, test } from "vitest";
import type { Job, Summary } from "../api/types";
import { Announcements } from "./announcements";
import { createdText, percentileText, progressText, resultText } from "./result-text";

const SUMMARY: Summary = {
  ...{ score: 0.6449, percentile: 99.5, p_value: 0.01, pred_label: true },
  ...{ in_scope: true, findings: 2, warnings: 1, slices: 1 },
};
const job = (job_id: string, changes: Partial<Job>) =>
  ({ job_id, state: "running", summary: null, error: null, ...changes }) as Job;

test("a result says what its score means", () => {
  expect(resultText(SUMMARY)).toEqual({
    decision: "flagged",
    label: "Flagged",
    percentile: "99.5th percentile",
    rest: "score 0.645 · 2 findings",
    warned: "1 warning",
  });
  expect(resultText({ ...SUMMARY, pred_label: false, findings: 0, warnings: 0 }).label).toBe("Not flagged");
  expect(resultText({ ...SUMMARY, pred_label: null }).decision).toBe("undecided");
});

test("percentiles are counted as people count, and never rounded up to the last", () => {
  expect([1, 2, 3, 11, 12, 21, 50.2].map(percentileText)).toEqual(
    ["1st", "2nd", "3rd", "11th", "12th", "21st", "50.2nd"].map((text) => `${text} percentile`),
  );
  expect(percentileText(99.97)).toBe("99.9th percentile");
  expect(percentileText(100)).toBe("100th percentile");
  expect(percentileText(98.3)).toBe("98.3rd percentile");
});

test("a running job says how far it is, a waiting one how long it takes", () => {
  expect(progressText(job("1", { progress: 0.43, seconds_left: 12 }))).toBe("43 % · 12 s left");
  expect(progressText(job("1", { progress: 0, seconds_left: null }))).toBe("0 %");
  expect(progressText(job("1", { state: "queued", progress: 0, seconds_left: 90 }))).toBe("about 2 min left");
});

test("today has a time, any other day a date", () => {
  const now = new Date(2026, 4, 3, 15, 0);
  expect(createdText(new Date(2026, 4, 3, 9, 5, 7).toISOString(), now)).toBe("09:05:07");
  expect(createdText(new Date(2026, 4, 2, 9, 5).toISOString(), now)).toBe("2 May, 09:05");
});

test("jobs that end are announced once, several in one sentence, old ones never", () => {
  const announcements = new Announcements();
  const jobs = (...list: Job[]) => new Map(list.map((one) => [one.job_id, one]));
  announcements.watch(jobs(job("1", {}), job("2", {}), job("3", {}), job("4", { state: "done" })));
  expect(announcements.tell(String)).toBe("");
  announcements.watch(jobs(job("1", { state: "done", summary: SUMMARY })));
  expect(announcements.tell((id) => `image ${id}`)).toBe("image 1: done, flagged, 99.5th percentile.");
  announcements.watch(jobs(job("2", { state: "done", summary: SUMMARY }), job("3", { state: "failed" })));
  expect(announcements.tell(String)).toBe("1 job done, 1 flagged, 1 not scored.");
  expect(announcements.tell(String)).toBe("");
});

test("out of scope nothing is flagged, whatever the number", () => {
  expect(resultText({ ...SUMMARY, pred_label: true, in_scope: false })).toMatchObject({
    decision: "out-of-scope",
    label: "Out of scope",
  });
});
