import { expect, test } from "vitest";
import type { Job } from "../api/types";
import { ordered, sharedFolders } from "./order";
import type { Row } from "./state";

function row(index: number, name: string, score: number | null): Row {
  const summary = {
    score,
    percentile: 0,
    p_value: 1,
    pred_label: null,
    in_scope: true,
    findings: 0,
    warnings: 0,
    slices: 1,
  };
  const job = score === null ? null : ({ summary } as Job);
  return { index, name, label: null, state: "ready", jobId: "", job, error: "", isOutOfScope: false };
}

const ROWS = [row(0, "b10", 2), row(1, "b9", null), row(2, "a", 3), row(3, "c", 2)];
const names = (rows: Row[]) => rows.map(({ name }) => name);

test("numbers within names are ordered as numbers", () => {
  expect(names(ordered(ROWS, { by: "name", isDescending: false }))).toEqual(["a", "b9", "b10", "c"]);
});

test("images without a score come last both ways, and equal ones keep their order", () => {
  expect(names(ordered(ROWS, { by: "score", isDescending: false }))).toEqual(["b10", "c", "a", "b9"]);
  expect(names(ordered(ROWS, { by: "score", isDescending: true }))).toEqual(["a", "b10", "c", "b9"]);
});

test("the folders that all names begin with are found, and no half of a name", () => {
  expect(sharedFolders(["top/a/1.png", "top/a/12.png"])).toBe(6);
  expect(sharedFolders(["top/a/1.png", "top/ab/1.png"])).toBe(4);
  expect(sharedFolders(["1.png", "12.png"])).toBe(0);
});
