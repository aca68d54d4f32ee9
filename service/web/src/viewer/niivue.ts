/** NiiVue as this viewer needs it: two volumes from memory, nothing fetched, no keys, files or menus of its own. */

import { NVImage, Niivue, SHOW_RENDER, SLICE_TYPE, DRAG_MODE } from "@niivue/niivue";
import type { Triple } from "../api/types";
import { greys, heatmapColours, type Colour } from "./colormaps";
import { placeOn, type Stage } from "./stage";
import { fit } from "./place";
import { limitsOf, windowBetween } from "./windowing";

/** Each takes over a part of the view; nothing is drawn before `draw`. */
export interface Scene {
  show: () => void;
  window: () => void;
  heatmap: () => void;
  cross: () => void;
  zoom: () => void;
  /** The canvas, freshly drawn. */
  draw: () => HTMLCanvasElement;
  end: () => void;
}

const ACCENT = [0.49, 0.77, 1, 0.9];

/** Throws where the machine has no WebGL 2. */
export async function openScene(canvas: HTMLCanvasElement, stage: Stage): Promise<Scene> {
  const { view, images } = stage;
  const niivue = new Niivue({
    logLevel: "silent",
    dragAndDropEnabled: false,
    loadingText: "",
    // Keys are the page's; these have none.
    clipPlaneHotKey: "",
    cycleClipPlaneHotKey: "",
    viewModeHotKey: "",
    isRadiologicalConvention: true,
    sagittalNoseLeft: true,
    isSliceMM: true,
    multiplanarPadPixels: 8,
    multiplanarShowRender: SHOW_RENDER.NEVER,
    dragMode: DRAG_MODE.windowing,
    show3Dcrosshair: true,
    crosshairColor: ACCENT,
    crosshairWidth: 0.2,
    crosshairWidthUnit: "percent",
    crosshairGap: 6,
    fontColor: new Float32Array([0.91, 0.93, 0.95, 1]),
  });
  for (const name of ["inferno", "viridis", "cividis"] as const) {
    niivue.addColormap(`heat-${name}`, tableOf(heatmapColours(name), true));
  }
  niivue.addColormap("film", tableOf(greys(false), false));
  niivue.addColormap("film-inverted", tableOf(greys(true), false));
  await niivue.attachToCanvas(canvas);
  for (const volume of [images.image, images.map]) {
    niivue.addVolume(await NVImage.loadFromUrl({ url: volume.file, name: "volume.nii" }));
  }
  const [image, map] = niivue.volumes;
  if (!image || !map) throw new Error("NiiVue did not take the image.");

  niivue.onLocationChange = (location) => {
    const [x = 0, y = 0, z = 0] = (location as { mm: number[] }).mm;
    const voxel = images.image.voxelOf([-x, -y, z]);
    const { size } = images.image;
    const inside = voxel.map((place, axis) => Math.min((size[axis] ?? 1) - 1, Math.max(0, place))) as Triple;
    if (inside.join() !== view.at.value.join()) view.at.value = inside;
  };
  niivue.onIntensityChange = ({ cal_min = 0, cal_max = 1 }) => {
    view.window.value = windowBetween(cal_min, cal_max);
  };

  // New limits or colours are sent to the graphics card, which takes longer than drawing.
  let isStale = true;
  return {
    show: () => {
      niivue.opts.sliceType = view.layout.value === "render" ? SLICE_TYPE.RENDER : SLICE_TYPE.MULTIPLANAR;
    },
    window: () => {
      // A new colour table takes the limits back to the volume's own: they come after.
      image.colormap = stage.isInverted.value ? "film-inverted" : "film";
      [image.cal_min, image.cal_max] = limitsOf(view.window.value);
      isStale = true;
    },
    heatmap: () => {
      map.colormap = `heat-${view.colormap.value}`;
      map.cal_min = view.threshold.value;
      map.cal_max = view.full.value;
      map.opacity = stage.isMapShown.value ? view.opacity.value : 0;
      isStale = true;
    },
    cross: () => {
      const [left, posterior, superior] = images.image.mmOf(view.at.value);
      niivue.scene.crosshairPos = niivue.mm2frac([-left, -posterior, superior]);
    },
    zoom: () => {
      const whole = fit(stage.extent, ...stage.size.value).scale;
      const closer = placeOn(stage).scale / whole;
      const [left, posterior, superior] = images.image.mmOf(view.at.value);
      // About the cross hair, which so stays where it is.
      const shift = 1 - closer;
      niivue.scene.pan2Dxyzmm = [-left * shift, -posterior * shift, superior * shift, closer];
      niivue.scene.volScaleMultiplier = closer;
    },
    draw: () => {
      if (isStale) niivue.updateGLVolume();
      else niivue.drawScene();
      isStale = false;
      return canvas;
    },
    end: () => {
      niivue.cleanup();
      // A browser has few contexts, and frees them late.
      niivue.gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}

/** The table as NiiVue takes one; its first entry is everything below the lowest value, too. */
function tableOf(colours: Colour[], isCut: boolean) {
  const channel = (place: 0 | 1 | 2 | 3) => colours.map((colour) => colour[place]);
  const alpha = channel(3);
  if (isCut) alpha[0] = 0;
  return { R: channel(0), G: channel(1), B: channel(2), A: alpha, I: colours.map((_, level) => level) };
}
