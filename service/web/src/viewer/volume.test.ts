import { expect, test } from "vitest";
import type { Grid } from "../api/types";
import { gunzip, readNifti } from "./volume";

const PLAIN: Grid = { shape: [2, 3, 2], axes: [0, 1, 2], flips: [false, false, false] };

/** Values 0, 1, 2, ... in the source's order; spacing 2, 3 and 5 mm from (10, 20, 30) in RAS. */
function nifti(shape: number[], { type = 4, slope = 1, intercept = 0 } = {}): ArrayBuffer {
  const count = shape.reduce((product, side) => product * side, 1);
  const width = type === 16 ? 4 : type === 2 ? 1 : 2;
  const file = new ArrayBuffer(352 + width * count);
  const view = new DataView(file);
  view.setInt32(0, 348, true);
  [shape.length, ...shape].forEach((side, axis) => view.setInt16(40 + 2 * axis, side, true));
  view.setInt16(70, type, true);
  view.setFloat32(108, 352, true);
  view.setFloat32(112, slope, true);
  view.setFloat32(116, intercept, true);
  [2, 0, 0, 10, 0, 3, 0, 20, 0, 0, 5, 30].forEach((value, place) =>
    view.setFloat32(280 + 4 * place, value, true),
  );
  for (let index = 0; index < count; index++) {
    if (type === 16) view.setFloat32(352 + 4 * index, index, true);
    else if (type === 2) view.setUint8(352 + index, index);
    else view.setInt16(352 + 2 * index, index, true);
  }
  return file;
}

test("a volume in our own order is read as it lies", () => {
  const volume = readNifti(nifti([2, 3, 2]), PLAIN);
  expect(volume.size).toEqual([2, 3, 2]);
  // 1 + 2 columns * 2 rows down + 6 voxels a slice * 1
  expect(volume.value([1, 2, 1])).toBe(11);
  expect(volume.spacing).toEqual([2, 3, 5]);
});

test("RAS becomes LPS", () => {
  expect(readNifti(nifti([2, 3, 2]), PLAIN).mmOf([1, 2, 1])).toEqual([-12, -26, 35]);
});

test("an axis that runs the other way is turned, and its place with it", () => {
  const volume = readNifti(nifti([2, 3, 2]), { ...PLAIN, flips: [true, false, false] });
  expect(volume.value([0, 0, 0])).toBe(1);
  expect(volume.value([1, 0, 0])).toBe(0);
  // The source's column 1 is at 12 mm right, its column 0 at 10.
  expect(volume.mmOf([0, 0, 0])).toEqual([-12, -20, 30]);
  expect(volume.mmOf([1, 0, 0])).toEqual([-10, -20, 30]);
});

test("axes in another order are exchanged", () => {
  const volume = readNifti(nifti([2, 3, 2]), {
    shape: [2, 3, 2],
    axes: [2, 0, 1],
    flips: [false, false, true],
  });
  expect(volume.size).toEqual([3, 2, 2]);
  // Column 2 is the source's second axis, row 0 its third at the far end, slice 1 its first: 1 + 2 * 2 + 6 * 1.
  expect(volume.value([2, 0, 1])).toBe(11);
  expect(volume.mmOf([2, 0, 1])).toEqual([-12, -26, 35]);
  expect(volume.spacing).toEqual([3, 5, 2]);
});

test("millimetres lead back to the voxel", () => {
  const volume = readNifti(nifti([2, 3, 2]), {
    shape: [2, 3, 2],
    axes: [2, 0, 1],
    flips: [false, true, true],
  });
  expect(volume.voxelOf(volume.mmOf([2, 1, 1]))).toEqual([2, 1, 1]);
  expect(volume.voxelOf([-10, -20, 30])).toEqual([2, 1, 0]);
});

test("a slope and an intercept are applied", () => {
  expect(readNifti(nifti([2, 3, 2], { slope: 2, intercept: -5 }), PLAIN).value([1, 0, 0])).toBe(-3);
});

test("floats and bytes are read too, and a picture is a volume of one slice", () => {
  const grid: Grid = { shape: [2, 3, 1], axes: [0, 1, 2], flips: [false, false, false] };
  expect(readNifti(nifti([2, 3], { type: 16 }), grid).value([1, 1, 0])).toBe(3);
  expect(readNifti(nifti([2, 3, 1], { type: 2 }), grid).value([0, 2, 0])).toBe(4);
});

test("outside there is no value", () => {
  expect(readNifti(nifti([2, 3, 2]), PLAIN).value([2, 0, 0])).toBeNaN();
});

test("what is no NIfTI is refused in a sentence", () => {
  expect(() => readNifti(new ArrayBuffer(400), PLAIN)).toThrow("What the service sent is no NIfTI file.");
  expect(() => readNifti(nifti([3, 3, 2]), PLAIN)).toThrow("The image has 3 x 3 x 2 voxels");
});

test("gzip is unpacked", async () => {
  const stream = new Response(new Uint8Array([7, 8, 9])).body?.pipeThrough(new CompressionStream("gzip"));
  const unpacked = await gunzip(await new Response(stream).arrayBuffer());
  expect([...new Uint8Array(unpacked)]).toEqual([7, 8, 9]);
});
