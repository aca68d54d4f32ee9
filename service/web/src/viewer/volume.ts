/**
 * A volume as the service gives it out: NIfTI on the source's own grid, read in our order (column, row, slice).
 *
 * Source: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h; little-endian single files only,
 * since the service writes no others.
 */

import type { Grid, Triple } from "../api/types";

export type Values =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

type ValuesType = new (buffer: ArrayBuffer, byteOffset: number, length: number) => Values;

const TYPES: Record<number, ValuesType> = {
  2: Uint8Array,
  4: Int16Array,
  8: Int32Array,
  16: Float32Array,
  64: Float64Array,
  256: Int8Array,
  512: Uint16Array,
  768: Uint32Array,
};

/** Rows of a 3 x 4 matrix. */
type Affine = [number[], number[], number[]];

/** Voxels are looked up where they lie: nothing is copied into another order. */
export class Volume {
  constructor(
    /** Columns, rows, slices. */
    readonly size: Triple,
    readonly values: Values,
    /** Index of voxel (0, 0, 0), and how far the next column, row and slice are from it. */
    readonly origin: number,
    readonly steps: Triple,
    /** Our indices to LPS millimetres. */
    readonly affine: Affine,
    /** The whole file, unpacked: what other viewers take. */
    readonly file: ArrayBuffer,
  ) {}

  /** NaN outside. */
  value([column, row, slice]: Triple): number {
    const [columns, rows, slices] = this.size;
    if (column < 0 || row < 0 || slice < 0 || column >= columns || row >= rows || slice >= slices) return NaN;
    return this.values[this.indexOf(column, row, slice)] ?? NaN;
  }

  indexOf(column: number, row: number, slice: number): number {
    const [across, down, through] = this.steps;
    return this.origin + column * across + row * down + slice * through;
  }

  /** Millimetres between neighbours along our axes. */
  get spacing(): Triple {
    const [a, b, c] = this.affine;
    return [0, 1, 2].map((axis) => Math.hypot(a[axis] ?? 0, b[axis] ?? 0, c[axis] ?? 0)) as Triple;
  }

  /** LPS millimetres of a voxel's centre. */
  mmOf([column, row, slice]: Triple): Triple {
    return this.affine.map(
      ([x = 0, y = 0, z = 0, shift = 0]) => x * column + y * row + z * slice + shift,
    ) as Triple;
  }

  /** The nearest voxel's indices, which may lie outside. */
  voxelOf(mm: Triple): Triple {
    const column = (place: number) => this.affine.map((row) => row[place] ?? 0) as Triple;
    const [across, down, through, start] = [column(0), column(1), column(2), column(3)];
    const way: Triple = [mm[0] - start[0], mm[1] - start[1], mm[2] - start[2]];
    // Cramer's rule: three unknowns are few enough.
    const whole = determinant(across, down, through);
    return [
      determinant(way, down, through),
      determinant(across, way, through),
      determinant(across, down, way),
    ].map((part) => Math.round(part / whole) + 0) as Triple;
  }
}

/** Unpack gzip by the browser's own means. */
export async function gunzip(packed: ArrayBuffer): Promise<ArrayBuffer> {
  const stream = new Response(packed).body?.pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Read an unpacked NIfTI-1 or NIfTI-2 file; throws an Error with a sentence for what is neither. */
export function readNifti(file: ArrayBuffer, grid: Grid): Volume {
  const header = headerOf(file);
  const shape = header.shape;
  if (shape.some((count, axis) => count !== grid.shape[axis])) {
    throw new Error(
      `The image has ${shape.join(" x ")} voxels, its result tells of ${grid.shape.join(" x ")}.`,
    );
  }
  const Type = TYPES[header.type];
  if (!Type)
    throw new Error(`The image's voxels are of NIfTI type ${header.type}, which this page cannot read.`);
  const stored = new Type(file, header.start, shape[0] * shape[1] * shape[2]);
  const values = rescaled(stored, header.slope, header.intercept);
  const size: Triple = [1, 1, 1];
  const steps: Triple = [1, 1, 1];
  const affine = header.affine.map((row) => [0, 0, 0, row[3] ?? 0]) as Affine;
  let origin = 0;
  let stride = 1;
  grid.axes.forEach((axis, source) => {
    const count = shape[source] ?? 1;
    const isFlipped = grid.flips[source] === true;
    size[axis] = count;
    steps[axis] = isFlipped ? -stride : stride;
    if (isFlipped) origin += (count - 1) * stride;
    stride *= count;
    affine.forEach((row, world) => {
      const step = header.affine[world]?.[source] ?? 0;
      row[axis] = isFlipped ? -step : step;
      if (isFlipped) row[3] = (row[3] ?? 0) + (count - 1) * step;
    });
  });
  return new Volume(size, values, origin, steps, affine, file);
}

/** A volume of other values on the same voxels. */
export function withValues(volume: Volume, values: Values): Volume {
  return new Volume(volume.size, values, volume.origin, volume.steps, volume.affine, volume.file);
}

interface Header {
  shape: Triple;
  type: number;
  start: number;
  slope: number;
  intercept: number;
  /** Source indices to LPS millimetres. */
  affine: Affine;
}

function headerOf(file: ArrayBuffer): Header {
  const view = new DataView(file);
  const bytes = file.byteLength >= 348 ? view.getInt32(0, true) : 0;
  if (bytes !== 348 && bytes !== 540) throw new Error("What the service sent is no NIfTI file.");
  const isSecond = bytes === 540;
  const float = (place: number) => (isSecond ? view.getFloat64(place, true) : view.getFloat32(place, true));
  const width = isSecond ? 8 : 4;
  const count = (axis: number) =>
    isSecond ? Number(view.getBigInt64(16 + 8 * axis, true)) : view.getInt16(40 + 2 * axis, true);
  const axes = count(0);
  const rows = isSecond ? 400 : 280;
  return {
    shape: [1, 2, 3].map((axis) => (axis <= axes ? count(axis) : 1)) as Triple,
    type: view.getInt16(isSecond ? 12 : 70, true),
    start: isSecond ? Number(view.getBigInt64(168, true)) : view.getFloat32(108, true),
    slope: float(isSecond ? 176 : 112),
    intercept: float(isSecond ? 184 : 116),
    // NIfTI's world is RAS: the first two axes run the other way in LPS.
    affine: [-1, -1, 1].map((sign, row) =>
      [0, 1, 2, 3].map((column) => sign * float(rows + width * (4 * row + column))),
    ) as Affine,
  };
}

function rescaled(values: Values, slope: number, intercept: number): Values {
  // A slope of 0, or none, means that the stored values are the values.
  if (!slope || !Number.isFinite(slope) || (slope === 1 && intercept === 0)) return values;
  return Float32Array.from(values, (value) => value * slope + intercept);
}

/** Of the matrix with these columns. */
function determinant([a, b, c]: Triple, [d, e, f]: Triple, [g, h, i]: Triple): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}
