import { afterEach, expect, test, vi } from "vitest";
import { Run } from "./run";

const IMAGE = { name: "x", files: [{ field: "file", file: new Blob(["x"]), name: "x" }] };
const job = (state: string, more: object = {}) => ({
  job_id: "ab12",
  state,
  progress: 1,
  error: null,
  ...more,
});
const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

function serve(answers: Record<string, (init?: RequestInit) => Response>): void {
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) =>
    Promise.resolve(answers[path]?.(init) ?? answer({}, 404)),
  );
}

afterEach(() => vi.unstubAllGlobals());

test("a job is followed by its events until its result is there", async () => {
  serve({
    "/score": () => answer(job("queued"), 202),
    "/jobs/ab12/events": () => new Response(`event: job\ndata: ${JSON.stringify(job("done"))}\n\n`),
    "/jobs/ab12/result.json": () => answer({ score: 1 }),
  });
  const run = new Run("m@1", IMAGE);
  await run.start("enforce");
  expect(run.state.value).toEqual({ kind: "done", result: { score: 1 } });
});

test("an image out of scope is asked about, and scored when one insists", async () => {
  const refusal = {
    type: "urn:atypia:problem:out-of-scope",
    title: "",
    status: 422,
    detail: "modality is CT; scope=warn x",
  };
  serve({
    "/score": (init) =>
      (init?.body as FormData).get("scope") === "warn" ? answer(job("done"), 202) : answer(refusal, 422),
    "/jobs/ab12/result.json": () => answer({ score: 2 }),
  });
  const run = new Run("m@1", IMAGE);
  await run.start("enforce");
  expect(run.state.value).toEqual({ kind: "asking", why: "Modality is CT." });
  await run.start("warn");
  expect(run.state.value).toEqual({ kind: "done", result: { score: 2 } });
});

test("a job that fails tells its own reason", async () => {
  serve({
    "/score": () =>
      answer(job("failed", { error: { type: "", title: "", status: 400, detail: "cut short" } }), 202),
  });
  const run = new Run("m@1", IMAGE);
  await run.start("enforce");
  expect(run.state.value).toEqual({ kind: "failed", why: "cut short" });
});
