import { expect, test } from "vitest";
import { stretches, topOf } from "./Pace";

test("the line of the pace breaks where nobody looked", () => {
  const at = (seconds: number) => ({ at: 1000 * seconds, done: 1, failed: 0 });
  expect(stretches([at(0), at(2), at(12), at(23), at(25)]).map((stretch) => stretch.length)).toEqual([3, 2]);
  expect(stretches([])).toEqual([]);
});

test("the scale ends at the next round number", () => {
  expect([10, 11, 301, 400, 950].map(topOf)).toEqual([10, 20, 400, 400, 1000]);
});
