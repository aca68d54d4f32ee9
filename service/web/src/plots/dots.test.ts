import { expect, test } from "vitest";
import { columns, stack, stackWithin } from "./dots";

test("places within one dot's width stand on each other", () => {
  expect(stack([1, 4, 6, 21], 5)).toEqual([
    { x: 2.5, level: 0 },
    { x: 2.5, level: 1 },
    { x: 7.5, level: 0 },
    { x: 22.5, level: 0 },
  ]);
});

test("dots shrink until the tallest stack fits", () => {
  // Three on each other: 21 of height at a diameter of 7, 18 at 6, 15 at 5.
  expect(stackWithin([0, 1, 2], 16)?.diameter).toBe(5);
});

test("too many for the smallest dots are told, so that bars are drawn", () => {
  expect(stackWithin(new Array<number>(50).fill(1), 20)).toBeNull();
});

test("columns count what lies in them, ends included", () => {
  expect(columns([0, 9.9, 10, 29, 30], 10, 3)).toEqual([2, 1, 2]);
});
