/** What the status figures mean, in words. */

import type { ServiceStatus, WorkerStatus } from "../api/types";
import { number, seconds } from "../ui/format";

/** With less free space than this somebody should look. */
const LITTLE_SPACE = 5e9;

const DEVICES: Record<string, string> = {
  CPUExecutionProvider: "CPU",
  CUDAExecutionProvider: "NVIDIA GPU (CUDA)",
  TensorrtExecutionProvider: "NVIDIA GPU (TensorRT)",
  ROCMExecutionProvider: "AMD GPU (ROCm)",
  OpenVINOExecutionProvider: "Intel (OpenVINO)",
  CoreMLExecutionProvider: "Apple (Core ML)",
  DmlExecutionProvider: "GPU (DirectML)",
};

export const STAGES: Record<string, string> = {
  decode: "read the files",
  prepare: "prepare the image",
  infer: "run the network",
  finish: "map and findings",
  render: "draw the heatmap",
  deidentify: "de-identify",
  keep: "store the result",
};

/** Whether images can be scored, and by whom. */
export function readiness({ ready, workers, problems }: ServiceStatus): string {
  if (!ready) return problems.length ? "Not ready" : "Not ready; the service does not say why";
  const models = new Set(workers.flatMap((worker) => Object.keys(worker.models))).size;
  const who = `Ready: ${counted(workers.length, "worker")}, ${counted(models, "model")}`;
  return problems.length ? `${who}, but something is wrong` : who;
}

/** What waits, and for how long. */
export function queueSentence({ queue_depth, running, seconds_queued }: ServiceStatus): string {
  if (queue_depth === 0) return "Nothing waits.";
  const waiting = Math.max(0, queue_depth - running);
  const parts = [running ? `${running} running` : "", waiting ? `${waiting} waiting` : ""].filter(Boolean);
  const left =
    seconds_queued === null
      ? "Nobody can tell yet how long it takes."
      : seconds_queued > 0
        ? `The queue is empty in about ${seconds(seconds_queued)}.`
        : "";
  return `${parts.join(", ")}. ${left}`.trim();
}

/** How many slices go through the network at a time, on average. */
export function fillSentence({ slices, batches }: ServiceStatus): string {
  if (!batches) return "No image has been scored yet.";
  const fill = slices / batches;
  return `${number(fill)} ${fill === 1 ? "slice" : "slices"} at a time (${slices.toLocaleString("en")} in ${batches.toLocaleString("en")} runs)`;
}

export function deadSentence(dead: number): string {
  if (!dead) return "None: no job has stopped its worker again and again.";
  return dead === 1
    ? "One job stopped its worker too often and was set aside."
    : `${dead} jobs stopped their worker too often and were set aside.`;
}

export function isShortOfSpace({ free_bytes }: ServiceStatus): boolean {
  return free_bytes < LITTLE_SPACE;
}

export function deviceOf({ device }: WorkerStatus): string {
  return DEVICES[device] ?? device.replace(/ExecutionProvider$/, "");
}

/** "out-of-scope" becomes "Out of scope". */
export function kindWords(kind: string): string {
  return sentence(kind.replaceAll("-", " "));
}

/** The service's problems begin small and end without a stop. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Milliseconds of each stage for a job that ended, in the order of the work. */
export function stageMeans({ stage_ms, ended_ever }: ServiceStatus): { stage: string; ms: number }[] {
  const jobs = (ended_ever["done"] ?? 0) + (ended_ever["failed"] ?? 0);
  if (!jobs) return [];
  const known = Object.keys(STAGES);
  const place = (stage: string) => (known.includes(stage) ? known.indexOf(stage) : known.length);
  return Object.entries(stage_ms)
    .map(([stage, total]) => ({ stage, ms: total / jobs }))
    .sort((one, other) => place(one.stage) - place(other.stage));
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
