import { expect, test } from "vitest";
import { placeLabels } from "./labels";

test("labels that would touch go to the next row", () => {
  const placed = placeLabels(
    [
      { x: 100, text: "5 %" },
      { x: 80, text: "10 %" },
      { x: 200, text: "1 %" },
    ],
    300,
    6,
  );
  // "10 %" spans 68 to 92, "5 %" would begin at 91, which is less than 4 beyond it.
  expect(placed.map(({ text, row }) => [text, row])).toEqual([
    ["10 %", 0],
    ["5 %", 1],
    ["1 %", 0],
  ]);
});

test("a label at the edge moves inwards", () => {
  expect(placeLabels([{ x: 299, text: "1 %" }], 300, 6)[0]?.middle).toBe(291);
});
