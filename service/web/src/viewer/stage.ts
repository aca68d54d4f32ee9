/** How the picture is laid on the screen: what only the drawing side of the viewer needs to know. */

import { signal, type Signal } from "@preact/signals";
import type { Triple } from "../api/types";
import type { Images } from "./images";
import { extentOf, fit, type Extent, type Place, type Point } from "./place";
import type { ViewState } from "./state";
import { CT_PRESETS, presetsOf, type Preset } from "./windowing";

/** A measured line on one slice, between points of the plane. */
export interface Ruler {
  slice: number;
  from: Point;
  to: Point;
}

export interface Stage {
  view: ViewState;
  images: Images;
  /** The map's value above which regions are findings. */
  mapThreshold: number;
  extent: Extent;
  presets: Preset[];
  /** Of the first pane, in device pixels. */
  size: Signal<[width: number, height: number]>;
  /** Null while all of the plane is shown. */
  place: Signal<Place | null>;
  isInverted: Signal<boolean>;
  isMapShown: Signal<boolean>;
  /** Whether dragging changes the window. */
  isWindowing: Signal<boolean>;
  ruler: Signal<Ruler | null>;
  /** Where a line begun by keyboard starts. */
  rulerStart: Signal<Triple | null>;
  /** Said to screen readers, and shown below the picture. */
  said: Signal<string>;
  /** The canvases on the screen, freshly drawn; set by whoever draws. */
  canvases: { current: () => HTMLCanvasElement[] };
}

export function stageOf(view: ViewState, images: Images, mapThreshold: number): Stage {
  const own = presetsOf(images.sample);
  const presets = images.isHu ? [...CT_PRESETS, ...own] : own;
  const spacing = images.hasSpacing ? images.image.spacing : [1, 1];
  view.window.value = presets[0]?.window ?? view.window.value;
  return {
    view,
    images,
    mapThreshold,
    extent: extentOf(images.image.size, spacing),
    presets,
    size: signal<[number, number]>([1, 1]),
    place: signal<Place | null>(null),
    isInverted: signal(false),
    isMapShown: signal(true),
    isWindowing: signal(false),
    ruler: signal<Ruler | null>(null),
    rulerStart: signal<Triple | null>(null),
    said: signal(""),
    canvases: { current: () => [] },
  };
}

/** The place as it is, whether chosen or all of the plane. */
export function placeOn(stage: Stage, [width, height] = stage.size.value): Place {
  return stage.place.value ?? fit(stage.extent, width, height);
}
