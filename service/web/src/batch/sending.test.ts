import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Job } from "../api/types";
import { cancelAll, clear, send } from "./sending";
import { images, latest, pause, tallyOf } from "./state";

const JOB = { state: "queued", progress: 0, model: "chest@1.0.0", error: null, summary: null };

function answer(status: number, body: object): Response {
  return { status, ok: status < 300, json: () => Promise.resolve(body) } as Response;
}

function problem(status: number, kind: string): Response {
  return answer(status, { type: `urn:atypia:problem:${kind}`, title: kind, status, detail: `it is ${kind}` });
}

/** Answers each upload in turn; every other request finds its job as `state`. */
function service(uploads: Response[], state: Job["state"] = "queued") {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string, { method = "GET" }: RequestInit) => {
    asked.push(`${method} ${path}`);
    if (method === "POST") return Promise.resolve(uploads.shift());
    return Promise.resolve(answer(200, { ...JOB, job_id: path.split("/").at(-1), state }));
  });
  return asked;
}

function choose(count: number): void {
  images.value = Array.from({ length: count }, (_none, index) => {
    const name = `a/${index}.png`;
    return { name, files: [{ field: "file", file: new Blob(["x"]), name }] };
  });
}

const states = () => latest.value.map(({ state }) => state);

beforeEach(() => vi.useFakeTimers());

afterEach(() => {
  clear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a refused image says why, and the others are jobs", async () => {
  service([
    answer(202, { ...JOB, job_id: "j0" }),
    problem(422, "out-of-scope"),
    problem(415, "unsupported-image"),
  ]);
  choose(3);
  await send();
  expect(states()).toEqual(["queued", "refused", "refused"]);
  expect(latest.value.map(({ error }) => error)).toEqual([
    "",
    "it is out-of-scope",
    "it is unsupported-image",
  ]);
  expect(tallyOf(latest.value)).toEqual({ total: 3, open: 1, done: 0, failed: 1, outOfScope: 1, stopped: 0 });
});

test("a full queue is waited for", async () => {
  service([problem(429, "queue-full"), answer(202, { ...JOB, job_id: "j0" })]);
  choose(1);
  const sending = send();
  await vi.advanceTimersByTimeAsync(100);
  expect(states()).toEqual(["waiting"]);
  expect(pause.value).toBe("The queue is full; sending goes on as it empties.");
  await vi.advanceTimersByTimeAsync(5000);
  await sending;
  expect(states()).toEqual(["queued"]);
  expect(pause.value).toBe("");
});

test("cancelling asks how a job is before it cancels it", async () => {
  const asked = service([answer(202, { ...JOB, job_id: "j0" })]);
  choose(1);
  await send();
  await cancelAll();
  expect(asked).toEqual(["POST /score", "GET /jobs/j0", "DELETE /jobs/j0"]);
  expect(states()).toEqual(["cancelled"]);
});

test("a job that is done meanwhile is left alone: the same request would remove it", async () => {
  const asked = service([answer(202, { ...JOB, job_id: "j0" })], "done");
  choose(1);
  await send();
  await cancelAll();
  expect(asked).toEqual(["POST /score", "GET /jobs/j0"]);
  expect(states()).toEqual(["done"]);
});

test("what was not sent when all is cancelled stays unsent", async () => {
  service([
    problem(429, "queue-full"),
    problem(429, "queue-full"),
    problem(429, "queue-full"),
    problem(429, "queue-full"),
  ]);
  choose(6);
  const sending = send();
  await vi.advanceTimersByTimeAsync(100);
  await cancelAll();
  await sending;
  expect(states()).toEqual(Array(6).fill("stopped"));
});

test("only what has no result is sent again", async () => {
  const asked = service([answer(202, { ...JOB, job_id: "j0", state: "done" }), problem(500, "unexpected")]);
  choose(2);
  await send();
  service([answer(202, { ...JOB, job_id: "j1" })]);
  await send();
  expect(asked).toEqual(["POST /score", "POST /score"]);
  expect(states()).toEqual(["done", "queued"]);
});
