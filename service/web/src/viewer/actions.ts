/** What can be done with the picture, by toolbar, keyboard and hand alike. */

import type { Triple } from "../api/types";
import { fit, zoomed, type Point } from "./place";
import type { Stage } from "./stage";
import { worstSlice, type Layout, type ViewState } from "./state";
import { rulerText } from "./ruler";

export function moveTo(stage: Stage, voxel: Triple): void {
  const { size } = stage.images.image;
  stage.view.at.value = voxel.map((place, axis) =>
    Math.min((size[axis] ?? 1) - 1, Math.max(0, Math.round(place))),
  ) as Triple;
}

export function moveBy(stage: Stage, columns: number, rows: number, slices: number): void {
  const [column, row, slice] = stage.view.at.value;
  moveTo(stage, [column + columns, row + rows, slice + slices]);
  const start = stage.rulerStart.value;
  if (start && start[2] === stage.view.at.value[2]) measureTo(stage, start);
}

export function toSlice(stage: Stage, slice: number): void {
  const [column, row] = stage.view.at.value;
  moveTo(stage, [column, row, slice]);
}

/** To the slice with the highest score, at its highest point. */
export function toWorst(stage: Stage): void {
  moveTo(stage, highestOn(stage, worstSlice(stage.view.result)));
}

export function highestOn({ images: { map }, view }: Stage, slice: number): Triple {
  const [columns, rows] = map.size;
  let highest = -Infinity;
  let found: Triple = [view.at.value[0], view.at.value[1], slice];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = map.values[map.indexOf(column, row, slice)] as number;
      if (value > highest) {
        highest = value;
        found = [column, row, slice];
      }
    }
  }
  return found;
}

/** To the next finding, or the one before with `step` -1; around the end to the first. */
export function toFinding(stage: Stage, step: 1 | -1): void {
  const { findings } = stage.view.result;
  if (!findings.length) {
    stage.said.value = "There are no findings.";
    return;
  }
  const index = (findingAt(stage.view) + step + findings.length) % findings.length;
  const finding = findings[step < 0 && findingAt(stage.view) < 0 ? findings.length - 1 : index];
  if (finding) moveTo(stage, finding.centroid_voxels);
}

/** The finding whose centre the cross hair is on; -1 for none. */
export function findingAt({ result, at }: ViewState): number {
  return result.findings.findIndex(({ centroid_voxels }) =>
    centroid_voxels.every((place, axis) => Math.round(place) === at.value[axis]),
  );
}

/** Closer or farther, about a point of the plane or the cross hair. */
export function zoomBy(stage: Stage, factor: number, about?: Point): void {
  const [column, row] = stage.view.at.value;
  const [width, height] = stage.size.value;
  const whole = fit(stage.extent, width, height);
  const place = stage.place.value ?? whole;
  stage.place.value = zoomed(place, factor, about ?? [column + 0.5, row + 0.5], whole.scale);
}

/** One voxel on one pixel of the screen, around the cross hair. */
export function zoomToPixels(stage: Stage): void {
  const [column, row] = stage.view.at.value;
  stage.place.value = { scale: 1, column: column + 0.5, row: row + 0.5 };
}

export function zoomToFit(stage: Stage): void {
  stage.place.value = null;
}

/** As the viewer began, but for the slice and the layout. */
export function reset(stage: Stage): void {
  zoomToFit(stage);
  const [first] = stage.presets;
  if (first) stage.view.window.value = first.window;
  stage.isInverted.value = false;
  stage.isMapShown.value = true;
  stage.isWindowing.value = false;
  stopMeasuring(stage);
}

export function showLayout(stage: Stage, layout: Layout): void {
  if (layout !== "slices" && stage.images.image.size[2] < 2) {
    stage.said.value = "This image is one slice: there is nothing to see from another side.";
    return;
  }
  stage.view.layout.value = layout;
  if (layout !== "slices") stopMeasuring(stage);
}

export function toggleReconstruction({ view }: Stage): void {
  view.layout.value = "slices";
  view.companion.value = view.companion.value === "none" ? "reconstruction" : "none";
}

export function toggleMap({ isMapShown }: Stage): void {
  isMapShown.value = !isMapShown.value;
}

/** A quarter more of the heatmap, and from all of it to a quarter. */
export function nextOpacity({ view, isMapShown }: Stage): void {
  const next = Math.floor(view.opacity.value * 4 + 1) / 4;
  view.opacity.value = next > 1 ? 0.25 : next;
  isMapShown.value = true;
}

export function toggleWindowing(stage: Stage): void {
  stage.isWindowing.value = !stage.isWindowing.value;
  if (stage.isWindowing.value) stopMeasuring(stage);
}

export function toggleMeasuring(stage: Stage): void {
  if (stage.view.isMeasuring.value) {
    stopMeasuring(stage);
    return;
  }
  stage.view.layout.value = "slices";
  stage.view.isMeasuring.value = true;
  stage.isWindowing.value = false;
  stage.said.value =
    "Measure: drag a line, or press Enter at its start, move the cross hair with the arrow keys, and press Enter.";
}

export function stopMeasuring(stage: Stage): void {
  if (stage.view.isMeasuring.value) stage.said.value = "";
  stage.view.isMeasuring.value = false;
  stage.ruler.value = null;
  stage.rulerStart.value = null;
}

/** By keyboard: the line's start, then its end, at the cross hair. */
export function setRulerEnd(stage: Stage): void {
  if (!stage.view.isMeasuring.value) return;
  const start = stage.rulerStart.value;
  const isSecond = start !== null && start[2] === stage.view.at.value[2];
  if (isSecond) measureTo(stage, start);
  else {
    stage.ruler.value = null;
    stage.said.value = "The line starts here. Move the cross hair and press Enter at its end.";
  }
  stage.rulerStart.value = isSecond ? null : stage.view.at.value;
}

function measureTo(stage: Stage, start: Triple): void {
  const [column, row, slice] = stage.view.at.value;
  const from: Point = [start[0] + 0.5, start[1] + 0.5];
  measure(stage, { slice, from, to: [column + 0.5, row + 0.5] });
}

export function measure(stage: Stage, ruler: NonNullable<Stage["ruler"]["value"]>): void {
  stage.ruler.value = ruler;
  stage.said.value = `Length: ${rulerText(stage.images, ruler)}`;
}
