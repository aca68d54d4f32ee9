/** One canvas: a slice at full resolution, as large or as small as anybody wants it. */

import { effect, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { measure, moveBy, moveTo, zoomBy } from "./actions";
import { listen } from "./gestures";
import { edgesOf } from "./orientation";
import { paint, type Pane } from "./paint";
import { frameOf, panned, planePoint, voxelUnder, type Point } from "./place";
import { rulerText } from "./ruler";
import { placeOn, type Stage } from "./stage";
import type { Window } from "./state";
import { dragged } from "./windowing";

interface Props {
  stage: Stage;
  pane: ReadonlySignal<Pane>;
  /** Its size is what "all of the image" and zooming by keyboard go by. */
  isFirst: boolean;
  /** Told of the function that draws at once. */
  register: (draw: () => HTMLCanvasElement | null) => () => void;
}

export function SlicePane({ stage, pane, isFirst, register }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal<[number, number]>([0, 0]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = element.getBoundingClientRect();
      const box = entry?.devicePixelContentBoxSize?.[0];
      size.value = [devicePixels(width, box?.inlineSize), devicePixels(height, box?.blockSize)];
      if (isFirst) stage.size.value = size.value;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    let frame = 0;
    const draw = () => {
      frame = 0;
      drawPane(stage, pane.peek(), element, size.peek());
      return element;
    };
    const stop = effect(() => {
      const wanted = [pane.value, size.value, stage.place.value, stage.view.at.value, stage.ruler.value];
      if (wanted && !frame) frame = requestAnimationFrame(draw);
    });
    const forget = register(draw);
    return () => {
      stop();
      forget();
      cancelAnimationFrame(frame);
    };
  }, []);

  useEffect(() => (canvas.current ? listenOn(stage, canvas.current) : undefined), []);

  return (
    <canvas
      ref={canvas}
      class="slice"
      role="img"
      aria-label={pane.value.title}
      aria-describedby="picture-text"
    />
  );
}

/** Exact where a browser tells it; an emulated screen tells the size on the real one. */
function devicePixels(length: number, told: number | undefined): number {
  const reckoned = length * devicePixelRatio;
  return told !== undefined && Math.abs(told - reckoned) < 2 ? told : Math.round(reckoned);
}

function drawPane(
  stage: Stage,
  pane: Pane,
  canvas: HTMLCanvasElement,
  [width, height]: [number, number],
): void {
  const context = canvas.getContext("2d", { alpha: false });
  if (!context || !width || !height) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const { images, extent } = stage;
  const at = stage.view.at.peek();
  const ruler = stage.ruler.peek();
  paint(context, pane, frameOf(placeOn(stage, [width, height]), extent, width, height), {
    at,
    slices: images.image.size[2],
    ruler: ruler?.slice === at[2] ? { ...ruler, text: rulerText(images, ruler) } : null,
    edges: images.hasOrientation ? edgesOf(images.image) : null,
  });
}

function listenOn(stage: Stage, canvas: HTMLCanvasElement): () => void {
  const { view, extent } = stage;
  let begun: Window = view.window.value;
  const planeOf = (point: Point): Point => {
    const { width, height } = canvas;
    return planePoint(frameOf(placeOn(stage, [width, height]), extent, width, height), point);
  };
  const pan = (step: Point) => {
    stage.place.value = panned(placeOn(stage, [canvas.width, canvas.height]), extent, step[0], step[1]);
  };
  return listen(canvas, {
    isWindowing: () => stage.isWindowing.value,
    tap: (point) => {
      const voxel = voxelUnder(planeOf(point), extent);
      if (voxel) moveTo(stage, [voxel[0], voxel[1], view.at.value[2]]);
    },
    drag: (from, to, step) => {
      if (!view.isMeasuring.value) pan(step);
      else {
        stage.rulerStart.value = null;
        measure(stage, { slice: view.at.value[2], from: planeOf(from), to: planeOf(to) });
      }
    },
    window: (isStart, across, down) => {
      if (isStart) begun = view.window.value;
      else view.window.value = dragged(begun, across, down);
    },
    zoom: (factor, about, step) => {
      zoomBy(stage, factor, planeOf(about));
      if (step[0] || step[1]) pan(step);
    },
    scroll: (steps, point) => {
      if (stage.images.image.size[2] > 1) moveBy(stage, 0, 0, steps);
      else zoomBy(stage, 1.2 ** -steps, planeOf(point));
    },
  });
}
