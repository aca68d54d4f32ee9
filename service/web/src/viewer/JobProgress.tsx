/** A job that is not done: how far it is, how long it takes, or why there is no result. */

import { useSignal } from "@preact/signals";
import { cancelOrRemove, retry, ServiceError } from "../api/client";
import { FINAL, type Job, type JobState } from "../api/types";
import { nameOf } from "../state/files";
import { number, seconds } from "../ui/format";

const TITLES: Record<JobState, string> = {
  queued: "Waiting for a worker",
  running: "Looking at the image",
  done: "Done",
  failed: "The image could not be scored",
  cancelled: "The job was cancelled",
  expired: "The result is kept no longer",
};

const WHY: Partial<Record<JobState, string>> = {
  cancelled: "It was stopped before it had a result.",
  expired: "Its image and its result were removed when their time was over. Send the image again to see it.",
};

interface Props {
  job: Job;
  /** Told of the job as it is after it was tried again. */
  onRetry: (job: Job) => void;
}

export function JobProgress({ job, onRetry }: Props) {
  const isFinal = FINAL.has(job.state);
  const failure = useSignal("");

  async function attempt(what: () => Promise<unknown>): Promise<void> {
    failure.value = "";
    try {
      await what();
    } catch (error) {
      failure.value = error instanceof ServiceError ? error.message : `${error}`;
    }
  }

  return (
    <div class="page narrow">
      <section class="panel job-progress" aria-labelledby="job-title">
        <p class="hint">
          {nameOf(job.job_id)} · {job.model}
        </p>
        <div role="status">
          <h1 id="job-title">{TITLES[job.state]}</h1>
        </div>
        {isFinal ? (
          <p class={job.state === "failed" ? "error" : ""}>{job.error?.detail ?? WHY[job.state]}</p>
        ) : (
          <Bar job={job} />
        )}
        {failure.value && (
          <p class="error" role="alert">
            {failure.value}
          </p>
        )}
        <div class="actions">
          {isFinal && job.state !== "expired" && (
            <button
              type="button"
              class="primary"
              onClick={() => void attempt(async () => onRetry(await retry(job.job_id)))}
            >
              Try again
            </button>
          )}
          {!isFinal && (
            <button type="button" onClick={() => void attempt(() => cancelOrRemove(job.job_id))}>
              Cancel
            </button>
          )}
          <a class="button" href="#/">
            Back to the worklist
          </a>
        </div>
      </section>
    </div>
  );
}

function Bar({ job }: { job: Job }) {
  const left = job.seconds_left === null ? "" : `, about ${seconds(job.seconds_left)} left`;
  return (
    <>
      <progress max={1} value={job.progress} aria-label="Progress" />
      <p>
        {number(100 * job.progress)} %{left}
      </p>
    </>
  );
}
