import { expect, test } from "vitest";
import type { Job } from "../api/types";
import { jobs, listed, note, settle } from "./jobs";

const job = (job_id: string, created_at = "2026-01-01") => ({ job_id, created_at }) as Job;

test("what is noted is shown together: the newest word of each job, and none of those that are gone", () => {
  note("a", job("a"));
  note("b", job("b"));
  note("a", null);
  expect(jobs.value.size).toBe(0);
  settle();
  expect([...jobs.value.keys()]).toEqual(["b"]);
});

test("a list that is not full is all there is", () => {
  expect([...listed([job("a")], new Map([["b", job("b")]])).keys()]).toEqual(["a"]);
});

test("a full list leaves jobs that are older than it", () => {
  const found = Array.from({ length: 1000 }, (_, place) => job(`${place}`, "2026-02-02"));
  const known = new Map([
    ["old", job("old", "2026-01-01")],
    ["removed", job("removed", "2026-03-03")],
  ]);
  const list = listed(found, known);
  expect([list.size, list.has("old"), list.has("removed")]).toEqual([1001, true, false]);
});
