import { expect, test } from "vitest";
import { barsPath, gapsOf, sliceAt, sliceByKey, stripOf } from "./strip";

const scored = (...values: [number, number][]) =>
  values.map(([index, score]) => ({ index, score, sop_instance_uid: null }));

test("a strip begins at 0 and leaves 8 % above its highest", () => {
  const strip = stripOf(scored([0, 1], [1, 2]), 2, 1.5);
  expect(strip.domain).toEqual([0, 2.16]);
  expect(strip.height(0)).toBe(100);
  expect(strip.height(1.08)).toBe(50);
  expect(strip.worst).toBe(1);
});

test("a threshold above every slice still has its line", () => {
  expect(stripOf(scored([0, 1]), 1, 4).domain[1]).toBeCloseTo(4.32);
});

test("scores below 0 hang from the same ground", () => {
  expect(stripOf(scored([0, -2], [1, 2]), 2, null).domain).toEqual([-2, 2.32]);
});

test("slices beside the slab have no score, and no bar", () => {
  const strip = stripOf(scored([2, 1], [3, 3]), 6, null);
  expect(strip.scores).toEqual([null, null, 1, 3, null, null]);
  expect(gapsOf(strip.scores)).toEqual([
    [0, 1],
    [4, 5],
  ]);
  expect(barsPath(strip, () => true).match(/M/g)).toHaveLength(2);
});

test("a bar is a slice wide but for its gap", () => {
  // 1 of a domain up to 1.08: 92.59 % of the height.
  expect(barsPath(stripOf(scored([1, 1]), 2, null), () => true)).toBe("M1.08 100V7.41h0.84V100z");
});

test("a thousand slices are one path without gaps", () => {
  const many = scored(...Array.from({ length: 1000 }, (_, index): [number, number] => [index, index]));
  const path = barsPath(stripOf(many, 1000, null), (score) => score >= 999);
  expect(path).toMatch(/^M999 100V[\d.]+h1V100z$/);
});

test("a place on the strip is a slice", () => {
  expect([-0.1, 0, 0.499, 0.5, 1, 2].map((share) => sliceAt(share, 10))).toEqual([0, 0, 4, 5, 9, 9]);
});

test("keys step, leap and stop at the ends", () => {
  expect(sliceByKey("ArrowRight", 4, 10)).toBe(5);
  expect(sliceByKey("PageDown", 4, 10)).toBe(0);
  expect(sliceByKey("End", 4, 10)).toBe(9);
  expect(sliceByKey("Home", 4, 10)).toBe(0);
  expect(sliceByKey("a", 4, 10)).toBeNull();
});

test("a model that scores no slices leaves a strip without a worst", () => {
  expect(stripOf([], 3, null)).toMatchObject({ worst: -1, scores: [null, null, null], domain: [0, 1] });
});
