import { expect, test } from "vitest";
import { binsOf, histogram, ticks } from "./bins";

test("bins have round edges and hold every value", () => {
  const values = [0.12, 0.13, 0.3, 0.61];
  const bins = binsOf(values, 5);
  expect(bins).toEqual({ start: 0.1, width: 0.1, count: 6 });
  expect(histogram(values, bins)).toEqual([2, 0, 1, 0, 0, 1]);
});

test("a value on an edge is in the bin that begins there, for all that 0.3 / 0.1 is 2.9999", () => {
  expect(histogram([0.1, 0.2, 0.3], { start: 0, width: 0.1, count: 4 })).toEqual([0, 1, 1, 1]);
});

test("equal values are in one bin", () => {
  const bins = binsOf([0.4, 0.4], 10);
  expect(bins).toEqual({ start: 0.4, width: 0.05, count: 1 });
});

test("no values make one empty bin", () => {
  expect(histogram([], binsOf([], 10))).toEqual([0]);
});

test("ticks are round and within", () => {
  expect(ticks(0.13, 0.92, 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
});
