import { expect, test } from "vitest";
import type { Triple } from "../api/types";
import { Volume, type Values } from "./volume";
import { dragged, isHounsfield, limitsOf, presetsOf, quantile, sampleOf, windowBetween } from "./windowing";

function volumeOf(values: Values, size: Triple): Volume {
  const affine: Volume["affine"] = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ];
  return new Volume(size, values, 0, [1, size[0], size[0] * size[1]], affine, new ArrayBuffer(0));
}

test("a window of 80 around 40 goes from 0 to 80", () => {
  expect(limitsOf({ center: 40, width: 80 })).toEqual([0, 80]);
  expect(windowBetween(0, 80)).toEqual({ center: 40, width: 80 });
});

test("dragging to the right widens, dragging down raises", () => {
  expect(dragged({ center: 40, width: 300 }, 10, -5)).toEqual({ center: 35, width: 310 });
  expect(dragged({ center: 40, width: 300 }, -400, 0).width).toBeGreaterThan(0);
});

test("a sample leaves gaps out and is ascending", () => {
  const sample = sampleOf(volumeOf(new Float32Array([3, NaN, 1, 2]), [4, 1, 1]));
  expect([...sample]).toEqual([1, 2, 3]);
});

test("quantiles lie between the values", () => {
  const sample = Float64Array.from({ length: 101 }, (_, index) => 10 * index);
  expect(quantile(sample, 0.5)).toBe(500);
  expect(quantile(sample, 0.015)).toBe(15);
  const [image, full] = presetsOf(sample);
  expect(limitsOf(image.window)).toEqual([10, 990]);
  expect(limitsOf(full.window)).toEqual([0, 1000]);
});

test("air and bone make Hounsfield units, but only in a volume of whole values", () => {
  const values = [-1000, -1000, 40, 1200];
  const isHu = (volume: Volume, warnings: string[] = []) => isHounsfield(volume, sampleOf(volume), warnings);
  expect(isHu(volumeOf(new Int16Array(values), [2, 1, 2]))).toBe(true);
  expect(isHu(volumeOf(new Int16Array(values), [4, 1, 1]))).toBe(false);
  expect(isHu(volumeOf(new Int16Array([0, 0, 40, 1200]), [2, 1, 2]))).toBe(false);
  expect(isHu(volumeOf(new Float32Array(values), [2, 1, 2]))).toBe(false);
});

test("a CT that the service calls one has Hounsfield units", () => {
  const volume = volumeOf(new Float32Array([0.5, 1]), [2, 1, 1]);
  expect(isHounsfield(volume, sampleOf(volume), ["out of scope: modality is CT, the model is for CR"])).toBe(
    true,
  );
});
