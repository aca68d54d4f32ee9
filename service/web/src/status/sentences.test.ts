import { expect, test } from "vitest";
import type { ServiceStatus } from "../api/types";
import {
  deadSentence,
  deviceOf,
  fillSentence,
  kindWords,
  queueSentence,
  readiness,
  stageMeans,
} from "./sentences";

const WORKER = {
  worker_id: "w1",
  host: "reading-room",
  pid: 7,
  device: "CPUExecutionProvider",
  models: { "chest@1.0.0": "d1", "brain@2.0.0": "d2" },
  jobs: [],
  slots: 4,
};
const QUIET: ServiceStatus = {
  workers: [WORKER],
  queue_depth: 0,
  queue_depths: { high: 0, normal: 0, low: 0 },
  running: 0,
  queued_bytes: 0,
  dead_letters: 0,
  ended_last_minute: {},
  ended_ever: {},
  failures: {},
  stage_ms: {},
  slices: 0,
  batches: 0,
  free_bytes: 50e9,
  seconds_queued: 0,
  problems: [],
  ready: true,
  version: "0.1.0",
};

test("a ready service says who works with what", () => {
  expect(readiness(QUIET)).toBe("Ready: 1 worker, 2 models");
  expect(readiness({ ...QUIET, workers: [WORKER, WORKER] })).toBe("Ready: 2 workers, 2 models");
});

test("a service can be ready with a broken worker beside", () => {
  expect(readiness({ ...QUIET, problems: ["a worker on b cannot work: no memory"] })).toBe(
    "Ready: 1 worker, 2 models, but something is wrong",
  );
});

test("a service without workers is not ready", () => {
  expect(readiness({ ...QUIET, ready: false, workers: [], problems: ["no worker is alive"] })).toBe(
    "Not ready",
  );
});

test.each([
  [{}, "Nothing waits."],
  [
    { queue_depth: 12, running: 4, seconds_queued: 90 },
    "4 running, 8 waiting. The queue is empty in about 2 min.",
  ],
  [{ queue_depth: 3, running: 0, seconds_queued: null }, "3 waiting. Nobody can tell yet how long it takes."],
  [{ queue_depth: 1, running: 1, seconds_queued: 0 }, "1 running."],
])("the queue %j says %j", (change, said) => {
  expect(queueSentence({ ...QUIET, ...change })).toBe(said);
});

test("the fill of batches is slices for each run", () => {
  expect(fillSentence({ ...QUIET, slices: 301, batches: 215 })).toBe(
    "1.4 slices at a time (301 in 215 runs)",
  );
  expect(fillSentence(QUIET)).toBe("No image has been scored yet.");
});

test("stages are told for each job, in the order of the work", () => {
  const stage_ms = { infer: 300, polish: 30, decode: 60 };
  expect(stageMeans({ ...QUIET, stage_ms, ended_ever: { done: 2, failed: 1, cancelled: 9 } })).toEqual([
    { stage: "decode", ms: 20 },
    { stage: "infer", ms: 100 },
    { stage: "polish", ms: 10 },
  ]);
  expect(stageMeans(QUIET)).toEqual([]);
});

test("dead letters, devices and kinds of failure are told in words", () => {
  expect(deadSentence(1)).toBe("One job stopped its worker too often and was set aside.");
  expect(deviceOf(WORKER)).toBe("CPU");
  expect(deviceOf({ ...WORKER, device: "QNNExecutionProvider" })).toBe("QNN");
  expect(kindWords("out-of-scope")).toBe("Out of scope");
});
