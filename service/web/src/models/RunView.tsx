/** One side of a comparison: how far it is, then the heatmap and its sentence. */

import type { Decision, Result } from "../api/types";
import { HEADLINES, sentenceOf, verdictOf } from "../viewer/panels/meaning";
import { Overlay } from "./Overlay";
import type { Run } from "./run";

interface Props {
  run: Run;
  slice: number | null;
  decision: Decision | null;
  normals: number | null;
}

export function RunView({ run, slice, decision, normals }: Props) {
  const state = run.state.value;
  return (
    <section class="run panel" aria-label={run.model}>
      <h2>{run.model}</h2>
      {state.kind === "running" && (
        <p role="status">
          <progress value={state.progress} max={1} aria-label={`Progress of ${run.model}`} />
          {state.what}…
        </p>
      )}
      {state.kind === "failed" && (
        <p class="error" role="alert">
          {state.why}
        </p>
      )}
      {state.kind === "asking" && (
        <div class="warning" role="alert">
          <p>{state.why}</p>
          <p>The model has not learnt what is normal in such images: its number would say nothing.</p>
          <button type="button" onClick={() => void run.start("warn")}>
            Score it all the same
          </button>
        </div>
      )}
      {state.kind === "done" && (
        <Done result={state.result} slice={slice} decision={decision} normals={normals} />
      )}
    </section>
  );
}

function Done({ result, slice, decision, normals }: Omit<Props, "run"> & { result: Result }) {
  const shown = slice === null ? "" : `, slice ${slice + 1}`;
  return (
    <>
      <Overlay jobId={result.job_id} slice={slice} text={`Heatmap of ${result.model}${shown}`} />
      {decision && (
        <p>
          <strong class={`${verdictOf(result, decision)}-text`}>
            {HEADLINES[verdictOf(result, decision)]}.
          </strong>{" "}
          {sentenceOf(result, decision, normals)}
        </p>
      )}
      <p>
        <a href={`#/jobs/${result.job_id}`}>Look at it closely</a>
      </p>
    </>
  );
}
