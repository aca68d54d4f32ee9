/** The sample X-ray scored by a model while one waits: a bundle brings no examples of its own. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getSample } from "../api/client";
import type { Model, Result } from "../api/types";
import { decisionAt } from "../viewer/panels/point";
import { HEADLINES, sentenceOf, verdictOf } from "../viewer/panels/meaning";
import { reasonOf } from "./answers";
import { Overlay } from "./Overlay";
import { isOutOfScope, refusalText, scoreImage } from "./scoring";

export const SAMPLE_NAME = "Sample chest X-ray";

export async function sampleImage() {
  const file = await getSample();
  return { name: SAMPLE_NAME, files: [{ field: "file", file, name: "sample-chest-xray.dcm" }] };
}

export function SampleScore({ model }: { model: Model }) {
  const progress = useSignal<string | null>(null);
  const refusal = useSignal("");
  const result = useSignal<Result | null>(null);
  const ending = useSignal(new AbortController());
  useEffect(() => () => ending.value.abort(), []);

  async function score(): Promise<void> {
    progress.value = "sending…";
    refusal.value = "";
    try {
      result.value = await scoreImage(await sampleImage(), {
        model: model.model,
        scope: "enforce",
        signal: ending.value.signal,
        onJob: (job) => (progress.value = `${job.state}…`),
      });
    } catch (error) {
      refusal.value = isOutOfScope(error) ? refusalText(error) : reasonOf(error);
    }
    progress.value = null;
  }

  return (
    <section class="panel" aria-labelledby="sample-title">
      <h2 id="sample-title">See it at work</h2>
      <p class="hint">This service has one sample, a chest X-ray.</p>
      {!result.value && (
        <button type="button" class="primary" disabled={progress.value !== null} onClick={() => void score()}>
          {progress.value ?? "Score the sample with this model"}
        </button>
      )}
      <p role="status" class={refusal.value ? "error" : "hidden-text"}>
        {refusal.value || progress.value}
      </p>
      {result.value && <Scored result={result.value} model={model} />}
    </section>
  );
}

function Scored({ result, model }: { result: Result; model: Model }) {
  const decision = decisionAt(result, null, model.default_operating_point);
  return (
    <>
      <Overlay
        jobId={result.job_id}
        slice={null}
        text={`Heatmap of ${model.model} over the sample chest X-ray`}
      />
      {decision && (
        <p>
          <strong>{HEADLINES[verdictOf(result, decision)]}.</strong>{" "}
          {sentenceOf(result, decision, model.calibration_patients)}
        </p>
      )}
      <a href={`#/jobs/${result.job_id}`}>Look at it closely</a>
    </>
  );
}
