/** Axial, coronal and sagittal planes, or the volume as a body: NiiVue's, loaded when first asked for. */

import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../ui/format";
import { css, heatmapColours } from "./colormaps";
import { NOTICE } from "./paint";
import type { Scene } from "./niivue";
import type { Stage } from "./stage";

const NO_WEBGL =
  "Planes and 3-D need WebGL 2, which this browser does not have or has switched off. Slices work without it.";

export function NiivuePane({ stage }: { stage: Stage }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const failure = useSignal("");
  const isReady = useSignal(false);

  useEffect(() => {
    let scene: Scene | null = null;
    let isOver = false;
    let stop = () => {};
    void open();
    return () => {
      isOver = true;
      stop();
      scene?.end();
      stage.canvases.current = () => [];
    };

    async function open(): Promise<void> {
      const element = canvas.current;
      if (!element) return;
      if (!document.createElement("canvas").getContext("webgl2")) {
        failure.value = NO_WEBGL;
        return;
      }
      try {
        const { openScene } = await import("./niivue");
        const opened = await openScene(element, stage);
        if (isOver) {
          opened.end();
          return;
        }
        scene = opened;
        // The page's keys work wherever the focus is.
        element.tabIndex = -1;
        stop = follow(opened, stage);
        stage.canvases.current = () => [opened.draw()];
        isReady.value = true;
      } catch (error) {
        failure.value = `Planes and 3-D do not work here: ${error instanceof Error ? error.message : error}`;
      }
    }
  }, []);

  return (
    <div class="panes niivue">
      <div class="niivue-frame" onKeyDownCapture={(event) => event.stopPropagation()}>
        <canvas
          ref={canvas}
          role="img"
          aria-label="The volume with its heatmap"
          aria-describedby="picture-text"
        />
      </div>
      {isReady.value && <Labels stage={stage} />}
      {(failure.value || !isReady.value) && (
        <div class="veil" role="status">
          <p>{failure.value || "Loading planes and 3-D…"}</p>
          {failure.value && (
            <button type="button" onClick={() => (stage.view.layout.value = "slices")}>
              Back to slices
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** Draws again what has changed, at most once a frame. */
function follow(scene: Scene, stage: Stage): () => void {
  const { view, isInverted, isMapShown, place, size } = stage;
  const waiting = new Set<() => void>();
  let frame = 0;
  function soon(what: () => void): void {
    waiting.add(what);
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      waiting.forEach((change) => change());
      waiting.clear();
      scene.draw();
    });
  }
  const stops = [
    effect(() => void [view.layout.value, soon(scene.show)]),
    effect(() => void [view.window.value, isInverted.value, soon(scene.window)]),
    effect(
      () =>
        void [
          view.threshold.value,
          view.full.value,
          view.colormap.value,
          view.opacity.value,
          isMapShown.value,
          soon(scene.heatmap),
        ],
    ),
    effect(() => void [view.at.value, soon(scene.cross)]),
    effect(() => void [place.value, size.value, soon(scene.zoom)]),
  ];
  return () => {
    cancelAnimationFrame(frame);
    stops.forEach((stop) => stop());
  };
}

function Labels({ stage }: { stage: Stage }) {
  const { view, isMapShown, images } = stage;
  const colours = heatmapColours(view.colormap.value);
  const gradient = colours.filter((_, level) => level % 15 === 0).map(css);
  const isPlanes = view.layout.value === "planes";
  return (
    <>
      <p class="picture-notice">{NOTICE}</p>
      <p class="picture-note">
        {isPlanes
          ? "Radiological convention: the patient's left is on the right of the picture"
          : "Drag to turn the volume"}
        {!images.hasOrientation && ". This image states no orientation: letters may be wrong"}
      </p>
      {isMapShown.value && (
        <p class="picture-legend">
          anomaly {number(view.threshold.value)}
          <span style={{ background: `linear-gradient(to right, ${gradient.join()})` }} />≥{" "}
          {number(view.full.value)}
        </p>
      )}
    </>
  );
}
