import { expect, test } from "vitest";
import { colour, depthFor, Levels, refined } from "./levels";
import { Volume } from "./volume";

const AFFINE: Volume["affine"] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
];

/** Columns 0 to 2 of rows 0 and 1; the second slice is ten more. */
const VOLUME = new Volume(
  [3, 2, 2],
  new Int16Array([0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]),
  0,
  [1, 3, 6],
  AFFINE,
  new ArrayBuffer(0),
);

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => index + 1000);

test("half the resolution is the mean of four voxels, or their highest", () => {
  const mean = new Levels(VOLUME, 1, "mean").at(1);
  expect([mean.width, mean.height]).toEqual([2, 1]);
  // (10 + 11 + 13 + 14) / 4, and the odd column with itself: (12 + 15) / 2
  expect([...mean.values]).toEqual([12, 13.5]);
  expect([...new Levels(VOLUME, 1, "max").at(1).values]).toEqual([14, 15]);
});

test("a quarter comes of the half", () => {
  const quarter = new Levels(VOLUME, 0, "mean").at(2);
  // The half is 2 and 3.5, its one row its own neighbour.
  expect([...quarter.values]).toEqual([2.75]);
});

test("a screen pixel is given at least one value and at most two", () => {
  expect([2, 1, 0.6, 0.5, 0.26, 0.125].map(depthFor)).toEqual([0, 0, 0, 1, 1, 3]);
});

test("values become colours between low and high", () => {
  const level = new Levels(VOLUME, 0, "mean").at(0);
  const part = { left: 0, top: 0, width: 3, height: 2 };
  const words = colour(level, part, { table: TABLE, low: 1, high: 4, isCut: false });
  // 0 is below, 1 the first, 2 a third of 255, 5 above.
  expect([...words]).toEqual([1000, 1000, 1085, 1170, 1255, 1255]);
});

test("below the threshold nothing is drawn", () => {
  const level = new Levels(VOLUME, 0, "mean").at(0);
  const part = { left: 1, top: 0, width: 2, height: 2 };
  expect([...colour(level, part, { table: TABLE, low: 2, high: 5, isCut: true })]).toEqual([
    0, 1000, 1170, 1255,
  ]);
});

test("a gap is drawn neither as low nor as high", () => {
  const gap = new Volume([1, 1, 1], new Float32Array([NaN]), 0, [1, 1, 1], AFFINE, new ArrayBuffer(0));
  const level = new Levels(gap, 0, "mean").at(0);
  const part = { left: 0, top: 0, width: 1, height: 1 };
  expect([...colour(level, part, { table: TABLE, low: 0, high: 1, isCut: false })]).toEqual([0]);
});

test("a plane whose columns run backwards is read backwards", () => {
  const turned = new Volume([3, 2, 2], VOLUME.values, 2, [-1, 3, 6], AFFINE, new ArrayBuffer(0));
  const half = new Levels(turned, 0, "max").at(1);
  // Columns 2 and 1 of both rows, then column 0.
  expect([...half.values]).toEqual([5, 3]);
});

test("twice as many values lie between the ones there are", () => {
  const level = new Levels(VOLUME, 0, "mean").at(0);
  const fine = refined(level, { left: 1, top: 0, width: 3, height: 2 }, 2);
  // Centres at columns 0.25, 0.75 and 1.25; at rows 0 (none is above) and 0.25, a row being 3 more.
  expect([...fine.values]).toEqual([0.25, 0.75, 1.25, 1, 1.5, 2]);
  expect([fine.width, fine.height]).toEqual([3, 2]);
});
