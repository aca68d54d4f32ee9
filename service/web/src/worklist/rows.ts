/** The list's rows: jobs, and images that are not jobs yet; how they are sorted and filtered. */

import { decisionOf, type Decision } from "./result-text";
import type { Job, JobState, Problem } from "../api/types";
import type { SentImage } from "../state/files";
import type { Outgoing } from "./queue";

export type RowState = JobState | Outgoing["stage"];

export interface Row {
  id: string;
  name: string;
  /** "" while the service has not chosen one. */
  model: string;
  state: RowState;
  problem: Problem | null;
  created_at: string;
  job: Job | null;
  outgoing: Outgoing | null;
  /** The files, where they were sent from this tab. */
  image: SentImage | null;
  /** Lower case, numbers of equal length: compares as people count. */
  order: string;
  /** Where the text that is looked for may be. */
  text: string;
}

export type Column = "name" | "model" | "state" | "score" | "created";
export interface Sorting {
  column: Column;
  isDescending: boolean;
}
export interface Filter {
  text: string;
  /** "" for any. */
  model: string;
  state: RowState | "";
  flagged: "" | Decision;
}

export const NO_FILTER: Filter = { text: "", model: "", state: "", flagged: "" };
/** From what goes on to what is over. */
export const STATES: readonly RowState[] = [
  "refused",
  "sending",
  "waiting",
  "running",
  "queued",
  "failed",
  "cancelled",
  "expired",
  "done",
];

/** Rows are made once for each job as it is: thousands are shown again ten times a second. */
const made = new WeakMap<Job | Outgoing, Row>();

export function rowsOf(
  jobs: ReadonlyMap<string, Job>,
  sent: ReadonlyMap<string, SentImage>,
  outgoing: ReadonlyMap<string, Outgoing>,
): Row[] {
  const rows = [...outgoing.values()].map(rowOfOutgoing);
  for (const job of jobs.values()) rows.push(rowOfJob(job, sent.get(job.job_id) ?? null));
  return rows;
}

function rowOfJob(job: Job, image: SentImage | null): Row {
  const known = made.get(job);
  if (known?.image === image) return known;
  const name = image?.name ?? job.job_id.slice(0, 8);
  const { job_id: id, model, state, error: problem, created_at } = job;
  const row: Row = {
    ...{ id, name, model, state, problem, created_at, job, image },
    outgoing: null,
    order: orderOf(name),
    text: `${name} ${id} ${model}`.toLowerCase(),
  };
  made.set(job, row);
  return row;
}

function rowOfOutgoing(outgoing: Outgoing): Row {
  const known = made.get(outgoing);
  if (known) return known;
  const { id, image, stage: state, problem, added_at: created_at } = outgoing;
  const { name } = image;
  const { model } = outgoing.choice;
  const row: Row = {
    ...{ id, name, model, state, problem, created_at, image, outgoing },
    job: null,
    order: orderOf(name),
    text: `${name} ${model}`.toLowerCase(),
  };
  made.set(outgoing, row);
  return row;
}

function orderOf(name: string): string {
  return name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

type Compare = (a: Row, b: Row) => number;
const byText =
  (key: (row: Row) => string): Compare =>
  (a, b) =>
    key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;

// The percentile first: raw scores of two models are no measure of each other.
const byScore: Compare = (a, b) => {
  const [one, other] = [a.job?.summary, b.job?.summary];
  return one && other ? one.percentile - other.percentile || one.score - other.score : 0;
};

const COMPARE: Record<Column, Compare> = {
  name: byText((row) => row.order),
  model: byText((row) => row.model),
  state: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state),
  score: byScore,
  created: byText((row) => row.created_at),
};

/** A new list; rows without a score come last whichever way it is sorted, and what is equal is newest first. */
export function sorted(rows: readonly Row[], { column, isDescending }: Sorting): Row[] {
  const way = isDescending ? -1 : 1;
  const compare = COMPARE[column];
  return [...rows].sort((a, b) => {
    if (column === "score" && !a.job?.summary !== !b.job?.summary) return a.job?.summary ? -1 : 1;
    return way * compare(a, b) || COMPARE.created(b, a) || COMPARE.name(a, b);
  });
}

/** The rows as others with their ids were, then those that are new: what is nearly sorted is sorted in no time. */
export function inOrderOf(before: readonly Row[], rows: readonly Row[]): Row[] {
  const left = new Map(rows.map((row) => [row.id, row]));
  const known: Row[] = [];
  for (const { id } of before) {
    const row = left.get(id);
    if (row && left.delete(id)) known.push(row);
  }
  return [...known, ...left.values()];
}

export function filtered(rows: readonly Row[], { text, model, state, flagged }: Filter): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(
    (row) =>
      (model === "" || row.model === model) &&
      (state === "" || row.state === state) &&
      (flagged === "" || (row.job?.summary && decisionOf(row.job.summary) === flagged)) &&
      words.every((word) => row.text.includes(word)),
  );
}

export function modelsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map((row) => row.model))].filter((model) => model !== "").sort();
}
