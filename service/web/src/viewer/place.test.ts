import { expect, test } from "vitest";
import {
  canvasPoint,
  extentOf,
  fit,
  frameOf,
  panned,
  planePoint,
  showing,
  voxelUnder,
  zoomed,
} from "./place";

const SQUARE = extentOf([100, 50, 1], [0.5, 0.5, 1]);

test("square voxels fit a canvas by its shorter side", () => {
  // 208 - 2 * 4 = 200 device pixels for 100 columns
  expect(fit(SQUARE, 208, 400)).toEqual({ scale: 2, column: 50, row: 25 });
});

test("voxels twice as high as wide are drawn so", () => {
  const extent = extentOf([100, 50, 1], [1, 2, 1]);
  expect(extent.aspect).toEqual([1, 2]);
  const place = fit(extent, 208, 208);
  expect(place.scale).toBe(2);
  expect(frameOf(place, extent, 208, 208)).toEqual({ left: 4, top: 4, across: 2, down: 4 });
});

test("at 1:1 a voxel begins at a whole pixel even where the canvas is odd", () => {
  const frame = frameOf({ scale: 1, column: 50, row: 25 }, SQUARE, 201, 101);
  expect(frame).toEqual({ left: 51, top: 26, across: 1, down: 1 });
});

test("a canvas point leads to the plane and back", () => {
  const frame = frameOf({ scale: 2, column: 50, row: 25 }, SQUARE, 208, 208);
  expect(planePoint(frame, [4, 54])).toEqual([0, 0]);
  expect(planePoint(frame, [25, 57])).toEqual([10.5, 1.5]);
  expect(canvasPoint(frame, [10.5, 1.5])).toEqual([25, 57]);
});

test("the voxel under a point, and none beside the plane", () => {
  expect(voxelUnder([10.5, 1.99], SQUARE)).toEqual([10, 1]);
  expect(voxelUnder([-0.1, 1], SQUARE)).toBeNull();
  expect(voxelUnder([10, 50], SQUARE)).toBeNull();
});

test("zooming keeps the point under the pointer", () => {
  const place = { scale: 2, column: 50, row: 25 };
  const closer = zoomed(place, 2, [60, 30], 2);
  expect(closer).toEqual({ scale: 4, column: 55, row: 27.5 });
  const before = canvasPoint(frameOf(place, SQUARE, 208, 208), [60, 30]);
  const after = canvasPoint(frameOf(closer, SQUARE, 208, 208), [60, 30]);
  expect(after).toEqual(before);
});

test("zooming has its limits", () => {
  expect(zoomed({ scale: 2, column: 50, row: 25 }, 1000, [50, 25], 2).scale).toBe(64);
  expect(zoomed({ scale: 2, column: 50, row: 25 }, 0.001, [50, 25], 2).scale).toBe(0.5);
});

test("panning moves with the hand and never loses the plane", () => {
  const place = { scale: 2, column: 50, row: 25 };
  expect(panned(place, SQUARE, 20, -10)).toEqual({ scale: 2, column: 40, row: 30 });
  expect(panned(place, SQUARE, 9999, 9999)).toEqual({ scale: 2, column: 0, row: 0 });
});

test("a voxel out of view is brought to the middle, one in view moves nothing", () => {
  const place = { scale: 8, column: 50, row: 25 };
  expect(showing(place, SQUARE, [52, 25], 100, 100)).toBe(place);
  expect(showing(place, SQUARE, [90, 25], 100, 100)).toEqual({ scale: 8, column: 90.5, row: 25.5 });
});
