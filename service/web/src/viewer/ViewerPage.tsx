/** One job: its progress while it runs, its picture and what it means when it is done. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getJob, ServiceError } from "../api/client";
import { FINAL, type Job } from "../api/types";
import { isConnected, jobs, note } from "../state/jobs";
import { JobProgress } from "./JobProgress";
import { ResultView } from "./ResultView";
import "./viewer.css";

/** The stream of all jobs tells of changes; this is for when it is away, and for jobs too old for the list. */
const ASK_AGAIN_MS = 1500;

export default function ViewerPage({ name }: { name: string }) {
  return <JobView key={name} jobId={name} />;
}

function JobView({ jobId }: { jobId: string }) {
  const asked = useSignal<Job | null>(null);
  const failure = useSignal("");
  const told = jobs.value.get(jobId);
  const known = isConnected.value ? (told ?? asked.value) : (asked.value ?? told);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    async function ask(): Promise<void> {
      try {
        asked.value = await getJob(jobId);
        failure.value = "";
      } catch (error) {
        failure.value = error instanceof ServiceError ? error.message : `${error}`;
      }
      if (!isOver) next();
    }
    function next(): void {
      // A job that was tried again runs anew: it is looked after as long as it is looked at.
      const last = asked.peek();
      const isEnded = last !== null && FINAL.has(last.state);
      const isTold = isConnected.peek() && jobs.peek().has(jobId);
      timer = setTimeout(() => (isTold || isEnded ? next() : void ask()), ASK_AGAIN_MS);
    }
    if (isConnected.peek() && jobs.peek().has(jobId)) next();
    else void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [jobId]);

  function begin(job: Job): void {
    asked.value = job;
    note(jobId, job);
  }

  if (known?.state === "done") return <ResultView jobId={jobId} />;
  if (known) return <JobProgress job={known} onRetry={begin} />;
  return (
    <div class="page narrow">
      {failure.value ? (
        <section class="panel">
          <h1>This job cannot be shown</h1>
          <p class="error" role="alert">
            {failure.value}
          </p>
          <a href="#/">Back to the worklist</a>
        </section>
      ) : (
        <p class="loading">Loading…</p>
      )}
    </div>
  );
}
