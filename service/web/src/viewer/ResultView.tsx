/** A finished job: the picture, the strip of its slices and the panel beside it. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getCalibration, getForm, getResult, ServiceError } from "../api/client";
import type { Result } from "../api/types";
import { nameOf } from "../state/files";
import { FirstLook } from "./FirstLook";
import { loadImages } from "./images";
import { SidePanel } from "./panels/SidePanel";
import { SliceStrip } from "./panels/SliceStrip";
import { Picture } from "./Picture";
import { stageOf, type Stage } from "./stage";
import { viewOf, type ViewState } from "./state";

const GONE = 410;
const IMAGE_GONE =
  "The image is kept no longer. This is the heatmap of its slice with the highest anomaly, as it was drawn before.";

const EARLIER = "An earlier version of the service scored this image. Send it again to look at it here.";

export function ResultView({ jobId }: { jobId: string }) {
  const overlay = useSignal<ArrayBuffer | null>(null);
  const view = useSignal<ViewState | null>(null);
  const stage = useSignal<Stage | null>(null);
  const failure = useSignal("");

  useEffect(() => {
    const leaving = new AbortController();
    load(jobId, leaving.signal, {
      overlay: (found) => (overlay.value = found),
      view: (found) => (view.value = found),
      stage: (found) => (stage.value = found),
    }).catch((error: unknown) => {
      if (!leaving.signal.aborted) failure.value = sentenceOf(error);
    });
    return () => leaving.abort();
  }, [jobId]);

  const shown = view.value;
  if (!shown && failure.value) {
    return (
      <div class="page narrow">
        <section class="panel">
          <h1>This result cannot be shown</h1>
          <p class="error" role="alert">
            {failure.value}
          </p>
          <a href="#/">Back to the worklist</a>
        </section>
      </div>
    );
  }
  return (
    <div class="viewer">
      <h1 class="hidden-text">Result of {nameOf(jobId)}</h1>
      <section class="viewer-picture" aria-label="Image">
        {stage.value ? (
          <Picture stage={stage.value} />
        ) : (
          <FirstLook picture={overlay.value} note={failure.value} />
        )}
        {shown && <SliceStrip view={shown} />}
      </section>
      <aside class="viewer-side" aria-label="Result">
        {shown ? <SidePanel view={shown} /> : <p class="loading">Loading the result…</p>}
      </aside>
    </div>
  );
}

interface Found {
  overlay: (picture: ArrayBuffer) => void;
  view: (view: ViewState) => void;
  stage: (stage: Stage) => void;
}

async function load(jobId: string, leaving: AbortSignal, found: Found): Promise<void> {
  // Without it there is still what the panel says, and the image itself on its way.
  const overlay = getForm(jobId, "overlay.png", leaving).then(found.overlay, () => {});
  const result = await getResult(jobId);
  if ((result.grid as Result["grid"] | null) === null) throw new Error(EARLIER);
  const mapThreshold = await mapThresholdOf(result);
  if (leaving.aborted) return;
  const view = viewOf(result, mapThreshold);
  found.view(view);
  // The service draws one picture after the other: the large one would keep the quick one waiting.
  await overlay;
  const stage = stageOf(view, await loadImages(result, leaving), mapThreshold);
  if (!leaving.aborted) found.stage(stage);
}

async function mapThresholdOf(result: Result): Promise<number> {
  try {
    return (await getCalibration(result.model)).map_threshold;
  } catch {
    // The model may have been removed since. Every finding is above the threshold: the lowest is the nearest to it.
    const lowest = Math.min(...result.findings.map(({ mean }) => mean));
    return Number.isFinite(lowest) ? lowest : result.score;
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof ServiceError && error.problem.status === GONE) return IMAGE_GONE;
  return error instanceof Error ? error.message : `${error}`;
}
