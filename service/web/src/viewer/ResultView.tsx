/** A finished job: the picture, the strip of its slices and the panel beside it. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getCalibration, getResult, ServiceError } from "../api/client";
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
const IMAGE_GONE = "The image is kept no longer; this is its picture as it was drawn then.";

export function ResultView({ jobId }: { jobId: string }) {
  const view = useSignal<ViewState | null>(null);
  const stage = useSignal<Stage | null>(null);
  const failure = useSignal("");

  useEffect(() => {
    const leaving = new AbortController();
    load(jobId, leaving.signal, {
      view: (found) => (view.value = found),
      stage: (found) => (stage.value = found),
    }).catch((error: unknown) => {
      if (!leaving.signal.aborted) failure.value = sentenceOf(error);
    });
    return () => leaving.abort();
  }, [jobId]);

  const shown = view.value;
  if (!shown) {
    return failure.value ? (
      <div class="page narrow">
        <p class="error" role="alert">
          {failure.value}
        </p>
        <a href="#/">Back to the worklist</a>
      </div>
    ) : (
      <p class="loading">Loading the result…</p>
    );
  }
  return (
    <div class="viewer">
      <h1 class="hidden-text">Result of {nameOf(jobId)}</h1>
      <section class="viewer-picture" aria-label="Image">
        {stage.value ? <Picture stage={stage.value} /> : <FirstLook view={shown} note={failure.value} />}
        <SliceStrip view={shown} />
      </section>
      <aside class="viewer-side" aria-label="Result">
        <SidePanel view={shown} />
      </aside>
    </div>
  );
}

interface Found {
  view: (view: ViewState) => void;
  stage: (stage: Stage) => void;
}

async function load(jobId: string, leaving: AbortSignal, found: Found): Promise<void> {
  const result = await getResult(jobId);
  const images = loadImages(result, leaving);
  // Its failure is met where it is awaited.
  images.catch(() => {});
  const view = viewOf(result, await mapThresholdOf(result));
  if (leaving.aborted) return;
  found.view(view);
  const stage = stageOf(view, await images);
  if (leaving.aborted) return;
  found.stage(stage);
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
