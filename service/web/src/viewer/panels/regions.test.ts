import { expect, test } from "vitest";
import type { Finding, Triple } from "../../api/types";
import { centreOf, currentFinding, peakText, placeText, sizeText } from "./regions";

const finding = (first: Triple, last: Triple, more: Partial<Finding> = {}): Finding => ({
  box_voxels: [first, last],
  box_mm: null,
  centroid_voxels: [0, 0, 0],
  centroid_mm: null,
  size_voxels: 1234,
  size_mm: null,
  peak: 1,
  mean: 1,
  ...more,
});

test("the cross hair is in the finding whose box holds it, corners included", () => {
  const findings = [finding([0, 0, 0], [4, 4, 0]), finding([6, 6, 0], [9, 9, 2])];
  expect(currentFinding(findings, [4, 4, 0])).toBe(0);
  expect(currentFinding(findings, [9, 9, 2])).toBe(1);
  expect(currentFinding(findings, [5, 5, 0])).toBe(-1);
});

test("of boxes within each other the smaller is meant", () => {
  const findings = [finding([0, 0, 0], [9, 9, 9]), finding([2, 2, 2], [3, 3, 3])];
  expect(currentFinding(findings, [3, 3, 3])).toBe(1);
});

test("a finding's centre is a voxel of the image", () => {
  expect(
    centreOf(finding([0, 0, 0], [1, 1, 1], { centroid_voxels: [35.2, 68.9, 13.6] }), [128, 128, 14]),
  ).toEqual([35, 69, 13]);
});

test("sizes have the unit that the image allows", () => {
  expect(sizeText(finding([0, 0, 0], [1, 1, 1]), true)).toBe("1,234 voxels");
  expect(sizeText(finding([0, 0, 0], [1, 1, 0]), false)).toBe("1,234 pixels");
  expect(sizeText(finding([0, 0, 0], [1, 1, 0], { size_mm: 482.2 }), false)).toBe("482 mm²");
  expect(sizeText(finding([0, 0, 0], [1, 1, 1], { size_mm: 1966580 }), true)).toBe("1,970 cm³");
});

test("a peak is told beside the map's threshold", () => {
  const peak = finding([0, 0, 0], [1, 1, 0], { peak: 3.9672 });
  expect(peakText(peak, 1.319)).toBe("peak 3.0 × threshold");
  expect(peakText(peak, null)).toBe("peak 3.97");
});

test("a place is told by the letters of its sides", () => {
  expect(placeText([-39.8, -7.7, 37.8])).toBe("R 40, A 8, S 38");
  expect(placeText([12.4, 3, -0.6])).toBe("L 12, P 3, I 1");
});
