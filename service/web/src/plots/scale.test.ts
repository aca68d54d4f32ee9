import { expect, test } from "vitest";
import { clamp, linear, ticks } from "./scale";

test("a scale maps its ends and its middle", () => {
  const place = linear([10, 20], [0, 300]);
  expect([place(10), place(15), place(20)]).toEqual([0, 150, 300]);
});

test("a scale may run downwards, as heights on a screen do", () => {
  expect(linear([0, 4], [80, 0])(1)).toBe(60);
});

test("a domain of one value lies in the middle", () => {
  expect(linear([3, 3], [0, 100])(3)).toBe(50);
});

test("ticks are round numbers inside the span", () => {
  expect(ticks([0, 1], 6)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks([0.139, 1.02], 5)).toEqual([0.5, 1]);
  expect(ticks([1, 120], 5)).toEqual([50, 100]);
});

test("ticks carry no dust of binary fractions", () => {
  expect(ticks([0.1, 0.7], 7)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
});

test("a value outside a span is its nearest end", () => {
  expect([clamp(-1, [0, 9]), clamp(4, [0, 9]), clamp(12, [0, 9])]).toEqual([0, 4, 9]);
});
