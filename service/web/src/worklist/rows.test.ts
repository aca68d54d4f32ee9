import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import type { Job, Summary } from "../api/types";
import type { Outgoing } from "./queue";
import { filtered, inOrderOf, modelsOf, NO_FILTER, rowsOf, sorted, type Column } from "./rows";

const summary = (percentile: number, pred_label: boolean | null): Summary => ({
  ...{ score: percentile / 100, percentile, p_value: 0.5, pred_label },
  ...{ in_scope: true, findings: 0, warnings: 0, slices: 1 },
});
const job = (job_id: string, changes: Partial<Job>): Job => ({
  ...{
    job_id,
    state: "done",
    progress: 1,
    seconds_left: null,
    created_at: "2026-01-01T00:00:00Z",
    finished_at: null,
  },
  ...{ model: "atlas@1", priority: "normal", error: null, summary: null, links: {} },
  ...changes,
});
const JOBS = new Map(
  [
    job("1", { created_at: "2026-01-01T00:00:01Z", summary: summary(40, false) }),
    job("2", { created_at: "2026-01-01T00:00:02Z", summary: summary(99, true), model: "gan@1" }),
    job("3", { created_at: "2026-01-01T00:00:03Z", state: "running" }),
    job("4", { created_at: "2026-01-01T00:00:04Z", summary: summary(70, null) }),
  ].map((one) => [one.job_id, one]),
);
const SENT = new Map([
  ["1", { name: "chest10.png", files: [] }],
  ["2", { name: "chest9.png", files: [] }],
]);
const OUT: Outgoing = {
  ...{ id: "sending-1", image: { name: "Head.zip", files: [] }, bytes: 0, stage: "refused", problem: null },
  ...{ choice: { model: "", scope: "enforce", priority: "normal" }, progress: signal(0) },
  added_at: "2026-01-01T00:00:05Z",
};
const ROWS = rowsOf(JOBS, SENT, new Map([[OUT.id, OUT]]));
const ids = (column: Column, isDescending: boolean) =>
  sorted(ROWS, { column, isDescending }).map(({ id }) => id);

test("the newest comes first, images that are not sent among the jobs", () => {
  expect(ids("created", true)).toEqual(["sending-1", "4", "3", "2", "1"]);
});

test("numbers in names are counted, and capitals do not matter", () => {
  expect(ids("name", false)).toEqual(["3", "4", "2", "1", "sending-1"]);
});

test("scores are sorted by percentile, and what has none comes last both ways", () => {
  expect(ids("score", true)).toEqual(["2", "4", "1", "sending-1", "3"]);
  expect(ids("score", false)).toEqual(["1", "4", "2", "sending-1", "3"]);
});

test("by state what waits for somebody comes first, what is done last", () => {
  expect(ids("state", false)).toEqual(["sending-1", "3", "4", "2", "1"]);
});

test("each word must be in the name, the id or the model", () => {
  const found = (text: string) => filtered(ROWS, { ...NO_FILTER, text }).map(({ id }) => id);
  expect(found("CHEST 9")).toEqual(["2"]);
  expect(found("chest gan")).toEqual(["2"]);
  expect(found("")).toHaveLength(5);
});

test("decisions, states and models narrow the list", () => {
  const found = (filter: object) => filtered(ROWS, { ...NO_FILTER, ...filter }).map(({ id }) => id);
  expect(found({ flagged: "flagged" })).toEqual(["2"]);
  expect(found({ flagged: "clear" })).toEqual(["1"]);
  expect(found({ flagged: "undecided" })).toEqual(["4"]);
  expect(found({ state: "running" })).toEqual(["3"]);
  expect(found({ model: "gan@1", state: "done" })).toEqual(["2"]);
  expect(modelsOf(ROWS)).toEqual(["atlas@1", "gan@1"]);
});

test("rows are brought into an order that was, new ones after them", () => {
  const before = sorted(ROWS.slice(0, 3), { column: "created", isDescending: true });
  expect(before.map(({ id }) => id)).toEqual(["sending-1", "2", "1"]);
  expect(inOrderOf(before, ROWS.slice(1)).map(({ id }) => id)).toEqual(["2", "1", "3", "4"]);
});

test("a job that has not changed keeps its row", () => {
  expect(rowsOf(JOBS, SENT, new Map())[0]).toBe(ROWS[1]);
});
