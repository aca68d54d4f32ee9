import { expect, test } from "vitest";
import type { Finding, Result, Triple } from "../api/types";
import {
  highestOn,
  moveBy,
  nextOpacity,
  setRulerEnd,
  showLayout,
  toFinding,
  toggleMeasuring,
  toWorst,
  zoomBy,
  zoomToFit,
} from "./actions";
import { placeOf } from "./images";
import { edgesOf } from "./orientation";
import { describe as describePicture, mmText, readingAt, valueText } from "./reading";
import { stageOf, type Stage } from "./stage";
import { viewOf } from "./state";
import { Volume, type Values } from "./volume";

const AFFINE: Volume["affine"] = [
  [0.5, 0, 0, -10],
  [0, 2, 0, 20],
  [0, 0, 3, 30],
];
const SIZE: Triple = [4, 3, 2];

function volumeOf(values: Values, affine = AFFINE): Volume {
  return new Volume(SIZE, values, 0, [1, 4, 12], affine, new ArrayBuffer(0));
}

function findingAt(centroid_voxels: Triple, peak: number): Finding {
  const box: [Triple, Triple] = [centroid_voxels, centroid_voxels];
  return {
    box_voxels: box,
    box_mm: null,
    centroid_voxels,
    centroid_mm: [0, 0, 0],
    size_voxels: 1,
    size_mm: 3,
    peak,
    mean: peak,
  };
}

const RESULT: Result = {
  job_id: "1",
  grid: { shape: SIZE, axes: [0, 1, 2], flips: [false, false, false] },
  model: "m@1",
  bundle_digest: "",
  variant: "whole",
  score: 1,
  percentile: 90,
  p_value: 0.1,
  decisions: [],
  pred_label: null,
  slices: [
    { index: 0, score: 1, sop_instance_uid: null },
    { index: 1, score: 2, sop_instance_uid: null },
  ],
  findings: [findingAt([1, 1, 0], 3), findingAt([3, 2, 1], 5)],
  warnings: [],
  timings_ms: {},
  links: {},
  intended_use: "",
};

/** The map's values are their own indices: the last voxel of slice 1, 23, is the highest. */
function stage(result: Result = RESULT): Stage {
  const image = volumeOf(Int16Array.from({ length: 24 }, (_, index) => 100 - index));
  const map = volumeOf(Float32Array.from({ length: 24 }, (_, index) => index));
  const sample = Float64Array.from({ length: 24 }, (_, index) => 77 + index);
  const images = { image, map, sample, isHu: false, hasSpacing: true, hasOrientation: true, highest: 23 };
  const made = stageOf(viewOf(result, 10), images, 10);
  made.size.value = [208, 308];
  return made;
}

test("a viewer begins on the slice with the highest score", () => {
  expect(stage().view.at.value).toEqual([2, 1, 1]);
});

test("the cross hair stays in the volume", () => {
  const one = stage();
  moveBy(one, -9, 9, 0);
  expect(one.view.at.value).toEqual([0, 2, 1]);
  moveBy(one, 1, 0, 9);
  expect(one.view.at.value).toEqual([1, 2, 1]);
});

test("the worst slice is shown at its highest point", () => {
  const one = stage();
  one.view.at.value = [0, 0, 0];
  toWorst(one);
  expect(one.view.at.value).toEqual([3, 2, 1]);
  expect(highestOn(one, 0)).toEqual([3, 2, 0]);
});

test("findings follow one another around the end, both ways", () => {
  const one = stage();
  toFinding(one, 1);
  expect(one.view.at.value).toEqual([1, 1, 0]);
  toFinding(one, 1);
  expect(one.view.at.value).toEqual([3, 2, 1]);
  toFinding(one, 1);
  expect(one.view.at.value).toEqual([1, 1, 0]);
  toFinding(one, -1);
  expect(one.view.at.value).toEqual([3, 2, 1]);
  one.view.at.value = [0, 0, 0];
  toFinding(one, -1);
  expect(one.view.at.value).toEqual([3, 2, 1]);
});

test("without findings that is said", () => {
  const one = stage({ ...RESULT, findings: [] });
  toFinding(one, 1);
  expect(one.said.value).toBe("There are no findings.");
});

test("zooming begins from all of the image, about the cross hair", () => {
  const one = stage();
  // 4 columns of one quarter the rows' height: 200 / 4 = 50, 300 / (3 * 4) = 25 device pixels.
  zoomBy(one, 2);
  expect(one.place.value).toEqual({ scale: 50, column: 2.25, row: 1.5 });
  zoomToFit(one);
  expect(one.place.value).toBeNull();
});

test("opacity goes through the quarters", () => {
  const one = stage();
  one.view.opacity.value = 0.6;
  nextOpacity(one);
  expect(one.view.opacity.value).toBe(0.75);
  nextOpacity(one);
  nextOpacity(one);
  expect(one.view.opacity.value).toBe(0.25);
});

test("a line is measured by keyboard, in millimetres", () => {
  const one = stage();
  one.view.at.value = [0, 0, 0];
  toggleMeasuring(one);
  setRulerEnd(one);
  moveBy(one, 3, 1, 0);
  setRulerEnd(one);
  expect(one.ruler.value).toEqual({ slice: 0, from: [0.5, 0.5], to: [3.5, 1.5] });
  // 3 columns of 0.5 mm and a row of 2: the root of 2.25 + 4.
  expect(one.said.value).toBe("Length: 2.5 mm");
});

test("one slice has no other planes", () => {
  const one = stage();
  const flat = {
    ...one,
    images: {
      ...one.images,
      image: new Volume([4, 6, 1], new Int16Array(24), 0, [1, 4, 24], AFFINE, new ArrayBuffer(0)),
    },
  };
  showLayout(flat, "planes");
  expect(flat.view.layout.value).toBe("slices");
  expect(flat.said.value).toBe("This image is one slice: there is nothing to see from another side.");
  showLayout(one, "planes");
  expect(one.view.layout.value).toBe("planes");
});

test("the cross hair's reading is in voxels, millimetres and values", () => {
  expect(readingAt(stage().images, [3, 2, 1])).toEqual({
    voxel: [3, 2, 1],
    mm: [-8.5, 24, 33],
    value: 77,
    anomaly: 23,
  });
  expect(mmText([-8.5, 24, 33], true)).toBe("8.5 R, 24.0 P, 33.0 S mm");
  expect(mmText([-8.5, 24, 0], false)).toBe("−8.5, 24.0 mm");
  expect([3127, -1000, 0.123456, NaN].map(valueText)).toEqual(["3127", "−1000", "0.1235", "none"]);
});

test("the picture is told in words", () => {
  const one = stage();
  one.view.at.value = [1, 1, 0];
  expect(describePicture(one)).toBe(
    "Slice 1 of 2. Cross hair at column 2, row 2: value 95, anomaly 5, within the heatmap. " +
      "This is the centre of finding 1 of 2. " +
      "2 findings; the highest anomaly, 5, is around column 4, row 3, slice 2.",
  );
});

test("a slice's edges are named by the patient's sides", () => {
  expect(edgesOf({ affine: AFFINE })).toEqual(["R", "L", "A", "P"]);
  const coronal: Volume["affine"] = [
    [-1, 0, 0, 0],
    [0, 0, 1, 0],
    [0, -1, 0, 0],
  ];
  expect(edgesOf({ affine: coronal })).toEqual(["L", "R", "S", "I"]);
});

test("a picture without a place has neither millimetres nor letters", () => {
  const plain: Volume["affine"] = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ];
  const unplaced = { ...RESULT, findings: [] };
  const flat = volumeOf(new Int16Array(24), plain);
  expect(placeOf(unplaced, flat)).toEqual({ hasSpacing: false, hasOrientation: false });
  const spaced = volumeOf(new Int16Array(24), [
    [0.1, 0, 0, 0],
    [0, 0.1, 0, 0],
    [0, 0, 1, 0],
  ]);
  expect(placeOf(unplaced, spaced)).toEqual({ hasSpacing: true, hasOrientation: false });
  expect(placeOf(RESULT, volumeOf(new Int16Array(24)))).toEqual({ hasSpacing: true, hasOrientation: true });
});
