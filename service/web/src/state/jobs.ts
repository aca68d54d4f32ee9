/** All jobs that the service shows us, kept current by one stream of events. */

import { signal } from "@preact/signals";
import { listJobs } from "../api/client";
import { follow } from "../api/events";
import type { Job } from "../api/types";

const AGAIN_MS = 2000;
/** Changes within one frame of the screen are one change. */
const FRAME_MS = 100;

export const jobs = signal<ReadonlyMap<string, Job>>(new Map());

/** Whether the stream is there; without it the list may be old. */
export const isConnected = signal(false);

let waiting = new Map<string, Job | null>();
let timer: number | undefined;

/** Take over a job as it is now; null for one that is gone. */
export function note(jobId: string, job: Job | null): void {
  waiting.set(jobId, job);
  timer ??= setTimeout(apply, FRAME_MS) as unknown as number;
}

function apply(): void {
  timer = undefined;
  const next = new Map(jobs.value);
  for (const [jobId, job] of waiting) {
    if (job) next.set(jobId, job);
    else next.delete(jobId);
  }
  waiting = new Map();
  jobs.value = next;
}

/** Follow until `signal` says so; a stream that breaks is opened again, and what was missed is asked for. */
export async function followJobs(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await follow("/jobs/events", signal, {
        open: () => {
          isConnected.value = true;
          void load();
        },
        event: ({ event, data }) => {
          const job = JSON.parse(data) as Job;
          note(job.job_id, event === "removed" ? null : job);
        },
      });
    } catch {
      // The service is away, or wants a key: both end, and are said elsewhere.
    }
    isConnected.value = false;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function load(): Promise<void> {
  const found = new Map((await listJobs()).map((job) => [job.job_id, job]));
  // What an event has told meanwhile is newer.
  for (const [jobId, job] of waiting) {
    if (job) found.set(jobId, job);
    else found.delete(jobId);
  }
  jobs.value = found;
}
