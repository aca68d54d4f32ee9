/** Sends the batch's images a few at a time, and stops them; goes on while another page is looked at. */

import { cancelOrRemove, getJob, ServiceError, submit } from "../api/client";
import { FINAL, type Problem } from "../api/types";
import { remember } from "../state/files";
import { jobs } from "../state/jobs";
import { key } from "../state/key";
import type { ImageToSend } from "./images";
import * as batch from "./state";

const AT_ONCE = 4;
/** What the service asks for in Retry-After. */
const AGAIN_MS = 5000;
const LOOK_MS = 500;
/** Answers that are not about the image: none, a key wanted, too many requests, not ready. */
const PASSING: Record<number, string> = {
  0: "The service does not answer; sending goes on as soon as it does.",
  401: "The service asks for a key; sending goes on with it.",
  429: "The queue is full; sending goes on as it empties.",
  503: "The service is not ready; sending goes on when it is.",
};

let stopping = new AbortController();

/** Send every image that has no result and is not on its way to one. */
export async function send(): Promise<void> {
  const wanted = batch.rows.value.filter(
    (row) => row.state !== "done" && (row.state === "ready" || !batch.isOpen(row)),
  );
  const indices = new Set(wanted.map(({ index }) => index));
  const { signal } = (stopping = new AbortController());
  batch.sendings.value = batch.rows.value.map((row, index) =>
    indices.has(row.index)
      ? { ...batch.READY, state: "waiting" }
      : (batch.sendings.value[index] ?? batch.READY),
  );
  batch.startedAt.value = Date.now();
  const queue = [...indices];
  addEventListener("beforeunload", warn);
  const watching = setInterval(() => void lookAfter(), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(watching));
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let index = queue.shift(); index !== undefined && !signal.aborted; index = queue.shift()) {
        await sendOne(index, signal);
      }
    }),
  );
  removeEventListener("beforeunload", warn);
  while (!signal.aborted && batch.tally.value.open) await pauseFor(LOOK_MS, signal);
  clearInterval(watching);
}

/** Give up what was not sent, and cancel what was. */
export async function cancelAll(): Promise<void> {
  stopping.abort();
  batch.pause.value = "";
  batch.sendings.value = batch.sendings.value.map((one) =>
    one.state === "waiting" ? { ...one, state: "stopped" } : one,
  );
  // What is being sent at the moment is cancelled by its sender.
  const queue = batch.rows.value.filter((row) => row.jobId && batch.isOpen(row)).map(({ jobId }) => jobId);
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let jobId = queue.shift(); jobId; jobId = queue.shift()) await cancel(jobId);
    }),
  );
}

/** Make room for another batch; the jobs stay in the worklist. */
export function clear(): void {
  stopping.abort();
  batch.images.value = [];
  batch.table.value = null;
  batch.sendings.value = [];
  batch.known.value = new Map();
  batch.startedAt.value = null;
  batch.pause.value = "";
}

async function sendOne(index: number, signal: AbortSignal): Promise<void> {
  const image = batch.images.value[index];
  if (!image) return;
  while (!signal.aborted) {
    change(index, image, { state: "sending" });
    try {
      const { model, scope } = batch;
      // An image that somebody waits for goes before a batch.
      const options = { model: model.value, scope: scope.value, priority: "low" as const };
      // Not stopped halfway: the service might have taken it, and nobody would know its job.
      const job = await submit(image.files, options);
      remember(job.job_id, image);
      batch.pause.value = "";
      if (batch.images.value[index] !== image) return void cancel(job.job_id);
      batch.learn(job);
      change(index, image, { state: "sent", jobId: job.job_id });
      if (signal.aborted) await cancel(job.job_id);
      return;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (!(error.problem.status in PASSING)) return refuse(index, image, error.problem);
      change(index, image, { state: "waiting" });
      await passed(error.problem.status, signal);
    }
  }
  change(index, image, { state: "stopped" });
}

function refuse(index: number, image: ImageToSend, problem: Problem): void {
  change(index, image, {
    state: "refused",
    error: problem.detail || problem.title,
    isOutOfScope: batch.isOutOfScope(problem.type),
  });
}

async function passed(status: number, signal: AbortSignal): Promise<void> {
  batch.pause.value = PASSING[status] ?? "";
  const before = key.value;
  if (status !== 401) return pauseFor(AGAIN_MS, signal);
  while (key.value === before && !signal.aborted) await pauseFor(LOOK_MS, signal);
}

async function cancel(jobId: string): Promise<void> {
  // The same request, of a job that has ended, would remove it.
  const state = (jobs.value.get(jobId) ?? batch.known.value.get(jobId))?.state;
  if (state && FINAL.has(state)) return;
  try {
    await cancelOrRemove(jobId);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}

/** Ask for jobs that the stream of events is silent about; one that is gone is said to be. */
async function lookAfter(): Promise<void> {
  const missed = batch.rows.value.filter(
    (row) => row.jobId && batch.isOpen(row) && !jobs.value.has(row.jobId),
  );
  for (const { index, jobId } of missed.slice(0, AT_ONCE * AT_ONCE)) {
    try {
      batch.learn(await getJob(jobId));
    } catch (error) {
      if (error instanceof ServiceError && error.problem.status === 404) {
        const image = batch.images.value[index];
        if (image)
          change(index, image, { state: "refused", jobId: "", error: "Somebody has removed this job." });
      }
    }
  }
}

/** Another batch may have come meanwhile: then there is nothing to change. */
function change(index: number, image: ImageToSend, what: Partial<batch.Sending>): void {
  if (batch.images.value[index] !== image) return;
  const next = [...batch.sendings.value];
  next[index] = { ...(next[index] ?? batch.READY), ...what };
  batch.sendings.value = next;
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
