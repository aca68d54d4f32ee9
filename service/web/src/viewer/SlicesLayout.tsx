/** Panes side by side with one cross hair: the image with its heatmap and alone, or what the model made of it. */

import { computed, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { loadReconstruction, type Reconstruction } from "./images";
import type { Pane } from "./paint";
import { ImagePanes, ReconstructionPanes } from "./panes";
import { SlicePane } from "./SlicePane";
import type { Stage } from "./stage";

export function SlicesLayout({ stage }: { stage: Stage }) {
  const image = useMemo(() => {
    const panes = new ImagePanes(stage.images);
    return [computed(() => panes.withHeatmap(stage)), computed(() => panes.alone(stage))];
  }, []);
  const area = useRef<HTMLDivElement>(null);
  const isMeasuring = stage.view.isMeasuring.value;
  useEffect(() => {
    // Enter must set the line's ends, not press the button that began it.
    if (isMeasuring) area.current?.focus();
  }, [isMeasuring]);
  const isCompanion = stage.view.companion.value === "reconstruction";
  return (
    <div class="panes" ref={area} {...(isMeasuring ? { tabIndex: -1 } : {})}>
      {isCompanion ? <Companion stage={stage} /> : <Row key="image" stage={stage} panes={image} />}
    </div>
  );
}

function Row({ stage, panes }: { stage: Stage; panes: ReadonlySignal<Pane>[] }) {
  const drawn = useMemo(() => new Set<() => HTMLCanvasElement | null>(), []);
  useEffect(() => {
    stage.canvases.current = () => [...drawn].flatMap((draw) => draw() ?? []);
    return () => (stage.canvases.current = () => []);
  }, []);
  return (
    <>
      {panes.map((pane, index) => (
        <SlicePane
          key={index}
          stage={stage}
          pane={pane}
          isFirst={index === 0}
          register={(draw) => {
            drawn.add(draw);
            return () => drawn.delete(draw);
          }}
        />
      ))}
    </>
  );
}

/** Asked for only here: most readers want the image alone. */
function Companion({ stage }: { stage: Stage }) {
  const loaded = useSignal<Reconstruction | null>(null);
  const failure = useSignal("");
  useEffect(() => {
    const leaving = new AbortController();
    loadReconstruction(stage.view.result, leaving.signal).then(
      (reconstruction) => (loaded.value = reconstruction),
      (error: unknown) => {
        if (!leaving.signal.aborted) failure.value = error instanceof Error ? error.message : `${error}`;
      },
    );
    return () => leaving.abort();
  }, []);
  const panes = useMemo(() => {
    if (!loaded.value) return null;
    const made = new ReconstructionPanes(loaded.value);
    const all = computed(() => made.all(stage));
    return [computed(() => all.value[0]), computed(() => all.value[1]), computed(() => all.value[2])];
  }, [loaded.value]);
  if (panes) return <Row key="reconstruction" stage={stage} panes={panes} />;
  return (
    <div class="veil" role="status">
      <p>{failure.value || "Loading what the model saw and its reconstruction…"}</p>
      {failure.value && (
        <button type="button" onClick={() => (stage.view.companion.value = "none")}>
          Back to the image
        </button>
      )}
    </div>
  );
}
