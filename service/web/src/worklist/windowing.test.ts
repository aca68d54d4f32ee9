import { expect, test } from "vitest";
import { rangeOf, scrollTo, shiftOf } from "./windowing";

test("of thousands of rows those in sight are drawn, and a few around them", () => {
  expect(rangeOf(0, 460, 46, 5000)).toEqual({ first: 0, end: 22 });
  expect(rangeOf(46_000, 460, 46, 5000)).toEqual({ first: 992, end: 1022 });
});

test("scrolling by less than four rows draws nothing anew", () => {
  expect(rangeOf(46 * 1003.9, 460, 46, 5000)).toEqual(rangeOf(46_000, 460, 46, 5000));
});

test("no row is drawn beyond the end, also when the list has become shorter than the scroll", () => {
  expect(rangeOf(46 * 4990, 460, 46, 5000)).toEqual({ first: 4980, end: 5000 });
  expect(rangeOf(46 * 4990, 460, 46, 3)).toEqual({ first: 0, end: 3 });
  expect(rangeOf(0, 460, 46, 0)).toEqual({ first: 0, end: 0 });
});

test("a row is scrolled to only as far as it takes", () => {
  expect(scrollTo(5, 0, 460, 46)).toBe(0);
  expect(scrollTo(10, 0, 460, 46)).toBe(46);
  expect(scrollTo(2, 460, 460, 46)).toBe(92);
});

test("three new rows above move what is in sight by three, whatever one row does", () => {
  const places = new Map([
    ["a", 13],
    ["b", 0],
    ["c", 15],
  ]);
  expect(shiftOf(["a", "b", "c"], 10, places)).toBe(3);
});

test("where nothing that was in sight is left, nothing is moved", () => {
  expect(shiftOf(["a"], 10, new Map())).toBe(0);
});
