import { expect, test } from "vitest";
import { above, placeDistribution, quantile } from "./spread";

test("normals fill the plot but for a margin of 4 % of their spread", () => {
  const { domain, scale, beyond } = placeDistribution([0, 2, 10], [8], null, [0, 108]);
  expect(domain).toEqual([-0.4, 10.4]);
  expect(scale(0)).toBeCloseTo(4);
  expect(scale(10)).toBeCloseTo(104);
  expect(beyond).toBeNull();
});

test("a score somewhat above the normals widens the plot", () => {
  expect(placeDistribution([0, 10], [], 15, [0, 100]).domain).toEqual([-0.6, 15.6]);
});

test("a score far above the normals stands at the edge", () => {
  const { domain, beyond } = placeDistribution([0, 10], [], 500, [0, 100]);
  expect(beyond).toBe("above");
  expect(domain).toEqual([-0.5, 13]);
});

test("normals that all score the same still have a plot", () => {
  const { domain, scale } = placeDistribution([2, 2], [2], null, [0, 100]);
  expect(domain).toEqual([1.92, 2.08]);
  expect(scale(2)).toBeCloseTo(50);
});

test("quantiles are scores of normals, by the nearest rank", () => {
  const scores = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect([0.1, 0.5, 0.9, 1].map((share) => quantile(scores, share))).toEqual([1, 5, 9, 10]);
  expect(quantile([], 0.5)).toBeNull();
});

test("a normal at the threshold is no false alarm", () => {
  expect(above([1, 2, 3], 2)).toBe(1);
});
