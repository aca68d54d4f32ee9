/** The batch of this tab: its images, their labels, and what has become of each; it outlives leaving the page. */

import { computed, effect, signal } from "@preact/signals";
import { FINAL, type Job, type JobState, type Model } from "../api/types";
import { jobs } from "../state/jobs";
import type { ImageToSend } from "./images";
import { labelImages, type Label, type Labelling } from "./labels";

/** `ready`: not to be sent yet; `waiting`: for its turn; `refused`: never a job; `stopped`: before it was sent. */
export type RowState = "ready" | "waiting" | "sending" | "refused" | "stopped" | JobState;

/** How far an image is on its way to be a job. */
export interface Sending {
  state: "ready" | "waiting" | "sending" | "refused" | "stopped" | "sent";
  jobId: string;
  /** Why it was refused. */
  error: string;
  isOutOfScope: boolean;
}

export interface Row {
  /** Place among the images. */
  index: number;
  name: string;
  label: Label | null;
  state: RowState;
  jobId: string;
  job: Job | null;
  error: string;
  isOutOfScope: boolean;
}

export const READY: Sending = { state: "ready", jobId: "", error: "", isOutOfScope: false };
const OUT_OF_SCOPE = /:(out-of-scope|no-model-for-image)$/;
/** Changes within this time are drawn together. */
const TOGETHER_MS = 200;
const NO_LABELS: Labelling = { labels: new Map(), rows: 0, problems: [] };

export const images = signal<readonly ImageToSend[]>([]);
/** The labels file, as it was read. */
export const table = signal<{ name: string; text: string } | null>(null);
export const sendings = signal<readonly Sending[]>([]);
/** The last that was heard of each job of ours; the list of all jobs may forget old ones. */
export const known = signal<ReadonlyMap<string, Job>>(new Map());

export const models = signal<readonly Model[]>([]);
/** A reference; "" lets the service choose by each image. */
export const model = signal("");
export const scope = signal<"enforce" | "warn">("enforce");

/** When sending began, in milliseconds of the clock; null while nothing was. */
export const startedAt = signal<number | null>(null);
/** Why no image is sent at the moment, though some wait. */
export const pause = signal("");

export const labelling = computed<Labelling>(() =>
  table.value
    ? labelImages(
        table.value.text,
        images.value.map(({ name }) => name),
      )
    : NO_LABELS,
);

/** Every image as it is at this moment. */
export const latest = computed<Row[]>(() =>
  images.value.map(({ name }, index) => {
    const sending = sendings.value[index] ?? READY;
    const job = known.value.get(sending.jobId) ?? null;
    const label = labelling.value.labels.get(name) ?? null;
    return { index, name, label, jobId: sending.jobId, job, ...outcomeOf(sending, job) };
  }),
);

/** The same for whoever draws it, who could not keep up with hundreds of changes in a second. */
export const rows = signal<readonly Row[]>([]);

function outcomeOf(sending: Sending, job: Job | null): Pick<Row, "state" | "error" | "isOutOfScope"> {
  if (sending.state !== "sent") return { ...sending, state: sending.state };
  const { state, error } = job ?? { state: "queued" as const, error: null };
  return { state, error: error?.detail ?? "", isOutOfScope: isOutOfScope(error?.type ?? "") };
}

export interface Tally {
  total: number;
  /** Neither ended nor given up. */
  open: number;
  done: number;
  failed: number;
  outOfScope: number;
  stopped: number;
}

export const tally = computed<Tally>(() => tallyOf(rows.value));

/** What there is of each outcome; out of scope is not among the failed. */
export function tallyOf(all: readonly Row[]): Tally {
  const counts: Tally = { total: all.length, open: 0, done: 0, failed: 0, outOfScope: 0, stopped: 0 };
  for (const { state, isOutOfScope: isOut } of all) {
    if (state === "done") counts.done += 1;
    else if (state === "failed" || state === "refused") counts[isOut ? "outOfScope" : "failed"] += 1;
    else if (state === "stopped" || state === "cancelled" || state === "expired") counts.stopped += 1;
    else counts.open += 1;
  }
  return counts;
}

export function isOutOfScope(problemType: string): boolean {
  return OUT_OF_SCOPE.test(problemType);
}

export function isOpen(row: Row): boolean {
  return !["refused", "stopped"].includes(row.state) && !FINAL.has(row.state as JobState);
}

/** Keep what an answer or an event says of a job. */
export function learn(job: Job): void {
  known.value = new Map(known.value).set(job.job_id, job);
}

effect(() => {
  const news = sendings.value.flatMap(({ jobId }) => {
    const job = jobs.value.get(jobId);
    return job && job !== known.peek().get(jobId) ? [job] : [];
  });
  if (news.length) known.value = new Map([...known.peek(), ...news.map((job) => [job.job_id, job] as const)]);
});

let timer: ReturnType<typeof setTimeout> | undefined;

function later(): void {
  timer ??= setTimeout(show, TOGETHER_MS);
}

function show(): void {
  clearTimeout(timer);
  timer = undefined;
  rows.value = latest.peek();
}

// What somebody has chosen is drawn at once, and what becomes of it a little later.
images.subscribe(show);
labelling.subscribe(show);
sendings.subscribe(later);
known.subscribe(later);
