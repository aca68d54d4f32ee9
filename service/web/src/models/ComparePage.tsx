/** Two models on one image, side by side. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getJob } from "../api/client";
import type { Model } from "../api/types";
import { sent, type SentImage } from "../state/files";
import { useAnswer, useModels } from "./answers";
import { CompareForm } from "./CompareForm";
import { CompareRuns } from "./CompareRuns";
import { pairOf } from "./pair";
import { Run } from "./run";
import "./models.css";

export default function ComparePage({ name }: { name: string }) {
  const { value: models, error } = useModels();
  return (
    <div class="page">
      <header>
        <h1>Compare two models</h1>
        <p class="hint">One image, two models: do they agree, and where do they look?</p>
      </header>
      {error && <p class="error">{error}</p>}
      {models && models.length < 2 && (
        <p>It takes two installed models, and there is {models.length || "none"}.</p>
      )}
      {models && models.length >= 2 && <Comparison key={name} jobId={name} models={models} />}
    </div>
  );
}

function Comparison({ jobId, models }: { jobId: string; models: readonly Model[] }) {
  const kept = sent.value.get(jobId) ?? null;
  const image = useSignal<SentImage | null>(kept);
  const chosen = useSignal<[string, string]>(pairOf(models, ""));
  const runs = useSignal<[Run, Run] | null>(null);
  useJobsModel(jobId, (model) => (chosen.value = pairOf(models, model)));
  useEffect(() => () => runs.value?.forEach((run) => run.leave()), []);

  function forget(): void {
    runs.value?.forEach((run) => run.leave());
    runs.value = null;
  }

  function compare(): void {
    const { value } = image;
    if (!value) return;
    forget();
    const [one, other] = chosen.value;
    runs.value = [new Run(one, value), new Run(other, value)];
    runs.value.forEach((run) => void run.start("enforce"));
  }

  return (
    <>
      {jobId && !kept && !image.value && (
        <p class="warning">
          This tab does not hold the file of job {jobId.slice(0, 8)} any more: please choose it again.
        </p>
      )}
      <CompareForm
        models={models}
        image={image.value}
        chosen={chosen.value}
        onImage={(next) => {
          forget();
          image.value = next;
        }}
        onModels={(next) => {
          forget();
          chosen.value = next;
        }}
        onCompare={compare}
      />
      {runs.value && (
        <CompareRuns key={runs.value.map(({ model }) => model).join()} runs={runs.value} models={models} />
      )}
    </>
  );
}

/** The job's own model is the first to compare. */
function useJobsModel(jobId: string, onModel: (model: string) => void): void {
  const job = useAnswer(`job ${jobId}`, async () => (jobId ? getJob(jobId) : null)).value;
  useEffect(() => {
    if (job) onModel(job.model);
  }, [job]);
}
