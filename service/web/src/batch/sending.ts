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
const LOOKS_TO_ASK = 10;
/** What a cancelling is answered with that came too late, and so removed a job. */
const REMOVED = 204;
const MISSING = 404;
/** Answers that are not about the image: none, a key wanted, too many requests, not ready. */
const PASSING: Record<number, string> = {
  0: "The service does not answer; sending goes on as soon as it does.",
  401: "The service asks for a key; sending goes on with it.",
  429: "The queue is full; sending goes on as it empties.",
  503: "The service is not ready; sending goes on when it is.",
};

const GONE: Problem = {
  type: "about:blank",
  title: "File gone",
  status: 0,
  detail: "The file cannot be read any more: it was changed, moved or removed.",
};

let stopping = new AbortController();
let isWatching = false;

/** Send every image that has no result and is not on its way to one. */
export async function send(): Promise<void> {
  const wanted = batch.latest.value.filter(
    (row) => row.state !== "done" && (row.state === "ready" || !batch.isOpen(row)),
  );
  const indices = new Set(wanted.map(({ index }) => index));
  const { signal } = (stopping = new AbortController());
  batch.sendings.value = batch.latest.value.map((row, index) =>
    indices.has(row.index)
      ? { ...batch.READY, state: "waiting" }
      : (batch.sendings.value[index] ?? batch.READY),
  );
  batch.startedAt.value = Date.now();
  const queue = [...indices];
  addEventListener("beforeunload", warn);
  void watch();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let index = queue.shift(); index !== undefined && !signal.aborted; index = queue.shift()) {
        await sendOne(index, signal);
      }
    }),
  );
  removeEventListener("beforeunload", warn);
}

/** Give up what was not sent, and cancel what was. */
export async function cancelAll(): Promise<void> {
  stopping.abort();
  batch.pause.value = "";
  batch.sendings.value = batch.sendings.value.map((one) =>
    one.state === "waiting" ? { ...one, state: "stopped" } : one,
  );
  // What is being sent at the moment is cancelled by its sender.
  const queue = batch.latest.value.filter((row) => row.jobId && batch.isOpen(row));
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let row = queue.shift(); row; row = queue.shift()) await cancel(row.index, row.jobId);
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
      remember(job.job_id, { ...image, name: image.name.split("/").at(-1) ?? image.name });
      batch.pause.value = "";
      if (batch.images.value[index] !== image) return void cancel(-1, job.job_id);
      batch.learn(job);
      change(index, image, { state: "sent", jobId: job.job_id });
      if (signal.aborted) await cancel(index, job.job_id);
      return;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (!(error.problem.status in PASSING)) return refuse(index, image, error.problem);
      if (error.problem.status === 0 && !(await isReadable(image))) return refuse(index, image, GONE);
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

/** A request with a file that has gone fails as one to a service that is away. */
async function isReadable({ files }: ImageToSend): Promise<boolean> {
  const looks = await Promise.allSettled(files.map(({ file }) => file.slice(0, 1).arrayBuffer()));
  return looks.every(({ status }) => status === "fulfilled");
}

async function passed(status: number, signal: AbortSignal): Promise<void> {
  batch.pause.value = PASSING[status] ?? "";
  const before = key.value;
  if (status !== 401) return pauseFor(AGAIN_MS, signal);
  while (key.value === before && !signal.aborted) await pauseFor(LOOK_MS, signal);
}

async function cancel(index: number, jobId: string): Promise<void> {
  try {
    // The same request would remove a job that has ended, and its result with it: so ask how it is now.
    const job = await getJob(jobId);
    batch.learn(job);
    if (FINAL.has(job.state)) return;
    const { status } = await cancelOrRemove(jobId);
    if (status === REMOVED) stop(index, jobId);
    else batch.learn({ ...job, state: "cancelled" });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.problem.status === MISSING) stop(index, jobId);
  }
}

function stop(index: number, jobId: string): void {
  const image = batch.images.value[index];
  if (image && batch.sendings.value[index]?.jobId === jobId)
    change(index, image, { ...batch.READY, state: "stopped" });
}

/** Until every image has come to an end, ask for jobs that the stream of events is silent about. */
async function watch(): Promise<void> {
  if (isWatching) return;
  isWatching = true;
  for (let looks = 1; batch.tallyOf(batch.latest.value).open; looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (looks % LOOKS_TO_ASK === 0) await askForMissed();
  }
  isWatching = false;
}

async function askForMissed(): Promise<void> {
  const missed = batch.latest.value.filter(
    (row) => row.jobId && batch.isOpen(row) && !jobs.value.has(row.jobId),
  );
  for (const { index, jobId } of missed.slice(0, AT_ONCE * AT_ONCE)) {
    const image = batch.images.value[index];
    try {
      batch.learn(await getJob(jobId));
    } catch (error) {
      const isGone = error instanceof ServiceError && error.problem.status === MISSING;
      if (image && isGone)
        change(index, image, { ...batch.READY, state: "refused", error: "This job was removed." });
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
