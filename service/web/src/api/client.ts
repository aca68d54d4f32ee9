/** Requests to the service that the page came from. */

import { key, isKeyWanted } from "../state/key";
import type { Calibration, Job, Model, Problem, Result, ServiceStatus } from "./types";

/** What the service refused, in its own sentence. */
export class ServiceError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

const AWAY: Problem = {
  type: "about:blank",
  title: "No answer",
  status: 0,
  detail: "The service does not answer. It may be starting; this page tries again by itself.",
};

/** A request with the key, if there is one; throws a ServiceError for every answer that is none. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key.value) headers.set("Authorization", `Bearer ${key.value}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ServiceError(AWAY);
  }
  if (response.ok) return response;
  if (response.status === 401) isKeyWanted.value = true;
  throw new ServiceError(await problemOf(response));
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    const title = `The service answered ${response.status}`;
    return { type: "about:blank", title, status: response.status, detail: title };
  }
}

async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

export interface SubmitOptions {
  model?: string;
  scope?: "enforce" | "warn";
  priority?: "high" | "normal" | "low";
  signal?: AbortSignal;
}

/** Send the files of one image; a field's name is a contrast's, or "file". */
export async function submit(files: { field: string; file: Blob; name: string }[], options: SubmitOptions) {
  const form = new FormData();
  for (const name of ["model", "scope", "priority"] as const) {
    const value = options[name];
    if (value) form.append(name, value);
  }
  // The service takes no name of a file; neither does it get one, for it may be a patient's.
  files.forEach(({ field, file }, index) => form.append(field, file, `${index}`));
  return json<Job>("/score", {
    method: "POST",
    body: form,
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

export const listJobs = (count = 1000) => json<Job[]>(`/jobs?count=${count}`);
export const getJob = (id: string) => json<Job>(`/jobs/${id}`);
export const getResult = (id: string) => json<Result>(`/jobs/${id}/result.json`);
export const cancelOrRemove = (id: string) => ask(`/jobs/${id}`, { method: "DELETE" });
export const retry = (id: string) => json<Job>(`/jobs/${id}/retry`, { method: "POST" });
export const listModels = () => json<Model[]>("/models");
export const getCard = async (name: string) => (await ask(`/models/${name}/card`)).text();
export const getExample = async (name: string, file: string) => (await ask(`/models/${name}/${file}`)).blob();
export const getCalibration = (name: string) => json<Calibration>(`/models/${name}/calibration`);
export const getStatus = () => json<ServiceStatus>("/status");
export const getSample = async () => (await ask("/sample")).blob();

/** A form of a result, such as "image.nii.gz" or "overlay.png?slice=3". */
export async function getForm(id: string, form: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  const path = form === "result.zip" || form === "result.json" ? form : `result/${form}`;
  return (await ask(`/jobs/${id}/${path}`, signal ? { signal } : {})).arrayBuffer();
}

/** Save a form of a result under a name of the user's machine. */
export async function download(id: string, form: string, name: string): Promise<void> {
  save(new Blob([await getForm(id, form)]), name);
}

export function save(content: Blob, name: string): void {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(content);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000);
}
