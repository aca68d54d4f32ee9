/**
 * Where on a canvas a plane's voxels are, and back.
 *
 * Plane coordinates have voxel n from n to n + 1. The scale is in device pixels per voxel of the finer side, so that
 * 1 is pixel-exact; the coarser side is drawn longer, in the true proportions.
 */

export interface Place {
  scale: number;
  /** The plane's point in the middle of the canvas. */
  column: number;
  row: number;
}

export interface Extent {
  columns: number;
  rows: number;
  /** How much longer a voxel is than the finer side, across and down; one of them is 1. */
  aspect: [across: number, down: number];
}

/** A plane's corner on a canvas and the size of a voxel there, in device pixels. */
export interface Frame {
  left: number;
  top: number;
  across: number;
  down: number;
}

export type Point = [number, number];

/** A voxel is never drawn larger than this. */
const LARGEST = 64;
const MARGIN = 4;

export function extentOf(size: readonly number[], spacing: readonly number[]): Extent {
  const [columns = 1, rows = 1] = size;
  const [across = 1, down = 1] = spacing;
  const finer = Math.min(across, down);
  return { columns, rows, aspect: [across / finer, down / finer] };
}

/** All of the plane, in the middle of a canvas of `width` x `height`. */
export function fit(extent: Extent, width: number, height: number): Place {
  const [across, down] = extent.aspect;
  const scale = Math.min(
    Math.max(width - 2 * MARGIN, 1) / (extent.columns * across),
    Math.max(height - 2 * MARGIN, 1) / (extent.rows * down),
  );
  return { scale, column: extent.columns / 2, row: extent.rows / 2 };
}

export function frameOf(place: Place, extent: Extent, width: number, height: number): Frame {
  const across = place.scale * extent.aspect[0];
  const down = place.scale * extent.aspect[1];
  // Whole device pixels, lest an image at 1:1 is blurred by half of one.
  const left = Math.round(width / 2 - place.column * across);
  const top = Math.round(height / 2 - place.row * down);
  return { left, top, across, down };
}

/** Canvas to plane. */
export function planePoint(frame: Frame, [x, y]: Point): Point {
  return [(x - frame.left) / frame.across, (y - frame.top) / frame.down];
}

/** Plane to canvas. */
export function canvasPoint(frame: Frame, [column, row]: Point): Point {
  return [frame.left + column * frame.across, frame.top + row * frame.down];
}

/** The voxel under a point of the plane, or null beside it. */
export function voxelUnder([column, row]: Point, extent: Extent): Point | null {
  const found: Point = [Math.floor(column), Math.floor(row)];
  const isInside = found[0] >= 0 && found[1] >= 0 && found[0] < extent.columns && found[1] < extent.rows;
  return isInside ? found : null;
}

/** Larger by `factor`, with the point `at` of the plane staying where it is; at least a quarter of the fit. */
export function zoomed(place: Place, factor: number, at: Point, smallest: number): Place {
  const scale = Math.min(LARGEST, Math.max(smallest / 4, place.scale * factor));
  const kept = place.scale / scale;
  return {
    scale,
    column: at[0] + (place.column - at[0]) * kept,
    row: at[1] + (place.row - at[1]) * kept,
  };
}

/** Moved by device pixels; some of the plane stays in the middle. */
export function panned(place: Place, extent: Extent, x: number, y: number): Place {
  const column = place.column - x / (place.scale * extent.aspect[0]);
  const row = place.row - y / (place.scale * extent.aspect[1]);
  return {
    scale: place.scale,
    column: Math.min(extent.columns, Math.max(0, column)),
    row: Math.min(extent.rows, Math.max(0, row)),
  };
}

/** Moved only as far as brings a voxel into view. */
export function showing(place: Place, extent: Extent, voxel: Point, width: number, height: number): Place {
  const frame = frameOf(place, extent, width, height);
  const [x, y] = canvasPoint(frame, [voxel[0] + 0.5, voxel[1] + 0.5]);
  const isInView = x >= 0 && y >= 0 && x < width && y < height;
  return isInView ? place : { ...place, column: voxel[0] + 0.5, row: voxel[1] + 0.5 };
}
