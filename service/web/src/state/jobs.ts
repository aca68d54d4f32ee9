/** All jobs that the service shows us, kept current by one stream of events. */

import { signal } from "@preact/signals";
import { listJobs, ServiceError } from "../api/client";
import { follow } from "../api/events";
import type { Job } from "../api/types";
import { key } from "./key";

const AGAIN_MS = 2000;
/** Changes within this time are one change: hundreds of jobs at work would redraw the list without end. */
const TOGETHER_MS = 100;
/** The most that the service lists at once. */
const LISTED = 1000;

export const jobs = signal<ReadonlyMap<string, Job>>(new Map());

/** Whether the stream is there; without it the list may be old. */
export const isConnected = signal(false);

/** Whether the service wants a key before it shows anything. */
export const isLocked = signal(false);

/** Whether the list has been there once: an empty one before that says nothing. */
export const isLoaded = signal(false);

type Changes = Map<string, Job | null>;

let waiting: Changes = new Map();
/** What was told since the list was asked for, as long as it has not come. */
let sinceAsked: Changes | null = null;
let timer: number | undefined;

/** Take over a job as it is now; null for one that is gone. */
export function note(jobId: string, job: Job | null): void {
  waiting.set(jobId, job);
  sinceAsked?.set(jobId, job);
  timer ??= setTimeout(settle, TOGETHER_MS) as unknown as number;
}

/** Show at once what was noted. */
export function settle(): void {
  clearTimeout(timer);
  timer = undefined;
  if (waiting.size === 0) return;
  jobs.value = merged(jobs.value, waiting);
  waiting = new Map();
}

/** Follow until `signal` says so; a stream that breaks is opened again, and what was missed is asked for. */
export async function followJobs(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // Something to see at once; it is asked for again when the stream is there and nothing can be missed.
    void load(signal);
    try {
      await follow("/jobs/events", signal, {
        open: () => {
          isConnected.value = true;
          void load(signal);
        },
        event: ({ event, data }) => {
          const job = JSON.parse(data) as Job;
          note(job.job_id, event === "removed" ? null : job);
        },
      });
    } catch (error) {
      // The service is away, or wants a key: both end, and are said elsewhere.
      isLocked.value = error instanceof ServiceError && error.problem.status === 401;
    }
    isConnected.value = false;
    // Asked again without a key, the service would only ask for one again.
    await (isLocked.value ? keyChange(signal) : pause(AGAIN_MS, signal));
  }
}

/** Ask for the list, until it is there as long as the stream is: without it the stream tells half. */
async function load(signal: AbortSignal): Promise<void> {
  const changes: Changes = new Map();
  sinceAsked = changes;
  do {
    const found = await listJobs(LISTED).catch(() => null);
    // Asked for anew meanwhile, this one may lack what has happened since.
    if (sinceAsked !== changes) return;
    if (found) {
      // What an event has told is newer than the list, whichever came first.
      jobs.value = merged(listed(found, jobs.value), changes);
      isLoaded.value = true;
      isLocked.value = false;
      sinceAsked = null;
      return;
    }
    await pause(AGAIN_MS, signal);
  } while (isConnected.value && !signal.aborted);
}

/** The jobs found; of those known before, also the ones too old for a list that is full. */
export function listed(found: Job[], known: ReadonlyMap<string, Job>): Map<string, Job> {
  const list = new Map(found.map((job) => [job.job_id, job]));
  const oldest = found.at(-1)?.created_at ?? "";
  if (found.length < LISTED) return list;
  for (const [jobId, job] of known) if (!list.has(jobId) && job.created_at <= oldest) list.set(jobId, job);
  return list;
}

function merged(known: ReadonlyMap<string, Job>, changes: Changes): Map<string, Job> {
  const all = new Map(known);
  for (const [jobId, job] of changes) {
    if (job) all.set(jobId, job);
    else all.delete(jobId);
  }
  return all;
}

/** Resolves when the key is another one, or when `signal` ends. */
function keyChange(signal: AbortSignal): Promise<void> {
  const before = key.value;
  return new Promise((resolve) => {
    const end = () => {
      stop();
      resolve();
    };
    const stop = key.subscribe((value) => {
      if (value !== before) end();
    });
    signal.addEventListener("abort", end, { once: true });
  });
}

/** Wait, but not beyond the end. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
