/** Scoring one image with one model from this page, until its result is there. */

import { getJob, getResult, ServiceError, submit } from "../api/client";
import { follow } from "../api/events";
import { FINAL, type Job, type Result } from "../api/types";
import { remember, type SentImage } from "../state/files";
import { note } from "../state/jobs";

const AGAIN_MS = 1000;

interface ScoringOptions {
  model: string;
  scope: "enforce" | "warn";
  signal: AbortSignal;
  onJob: (job: Job) => void;
}

/** Throws a ServiceError where the service refuses the image, or the job ends without a result. */
export async function scoreImage(image: SentImage, options: ScoringOptions): Promise<Result> {
  const { model, scope, signal, onJob } = options;
  let job = await submit(image.files, { model, scope, signal });
  remember(job.job_id, image);
  note(job.job_id, job);
  onJob(job);
  while (!FINAL.has(job.state)) {
    job = await changesOf(job.job_id, signal, onJob);
    if (!FINAL.has(job.state)) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  if (job.state !== "done") throw new ServiceError(job.error ?? endedWithout(job));
  return getResult(job.job_id);
}

/** The job as the stream of its events left it; a stream that broke off is asked after. */
async function changesOf(jobId: string, signal: AbortSignal, onJob: (job: Job) => void): Promise<Job> {
  let last: Job | null = null;
  await follow(`/jobs/${jobId}/events`, signal, {
    open: () => undefined,
    event: ({ data }) => {
      last = JSON.parse(data) as Job;
      onJob(last);
    },
  });
  return last ?? getJob(jobId);
}

function endedWithout({ state }: Job) {
  const title = `The job was ${state}`;
  return { type: "about:blank", title, status: 0, detail: `${title} before there was a result.` };
}

/** Whether it was refused as nothing that the model is for, so that one may ask to score it all the same. */
export function isOutOfScope(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.problem.type === "urn:atypia:problem:out-of-scope";
}

/** The refusal without what only a caller of the API can do about it. */
export function refusalText({ message }: ServiceError): string {
  const text = message.replace(/; scope=warn .*$/, "");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
