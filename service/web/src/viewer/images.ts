/** A result's files as volumes: the image, its anomaly map, and what the network saw and made of it. */

import { getForm } from "../api/client";
import type { Result } from "../api/types";
import { gunzip, readNifti, withValues, type Volume } from "./volume";
import { isHounsfield, quantile, sampleOf, windowBetween } from "./windowing";
import type { Window } from "./state";

export interface Images {
  image: Volume;
  map: Volume;
  /** Some of the image's values, ascending. */
  sample: Float64Array;
  /** Whether a value is a Hounsfield unit beyond doubt. */
  isHu: boolean;
  /** Whether a voxel's size in millimetres is known. */
  hasSpacing: boolean;
  /** Whether left, right, front and back are. */
  hasOrientation: boolean;
  /** The map's highest value. */
  highest: number;
}

/** What the network saw, what it made of it, and how far they differ. */
export interface Reconstruction {
  seen: Volume;
  made: Volume;
  difference: Volume;
  /** For the first two, which are in the network's own values. */
  window: Window;
  /** The difference at full colour, on both sides of 0. */
  full: number;
}

export async function loadImages(result: Result, signal: AbortSignal): Promise<Images> {
  const [image, map] = await Promise.all(
    ["image.nii.gz", "anomaly_map.nii.gz"].map((form) => load(result, form, signal)),
  );
  if (!image || !map) throw new Error("The service sent no image.");
  const sample = sampleOf(image);
  return {
    image,
    map,
    sample,
    isHu: isHounsfield(image, sample, result.warnings),
    ...placeOf(result, image),
    highest: highestOf(map),
  };
}

export async function loadReconstruction(result: Result, signal: AbortSignal): Promise<Reconstruction> {
  const [seen, made] = await Promise.all(
    ["seen.nii.gz", "reconstruction.nii.gz"].map((form) => load(result, form, signal)),
  );
  if (!seen || !made) throw new Error("The service sent no reconstruction.");
  const difference = withValues(
    seen,
    Float32Array.from(seen.values, (value, index) => value - (made.values[index] ?? NaN)),
  );
  const values = sampleOf(seen);
  const differences = sampleOf(difference).map(Math.abs).sort();
  return {
    seen,
    made,
    difference,
    window: windowBetween(quantile(values, 0.005), quantile(values, 0.995)),
    full: quantile(differences, 0.995) || 1,
  };
}

async function load(result: Result, form: string, signal: AbortSignal): Promise<Volume> {
  return readNifti(await gunzip(await getForm(result.job_id, form, signal)), result.grid);
}

/** What is known of an image's place: the files state one even for a picture that has none. */
export function placeOf(result: Result, image: Volume): Pick<Images, "hasSpacing" | "hasOrientation"> {
  const [first] = result.findings;
  const isPlain = image.affine.every((row, axis) =>
    row.every((value, column) => value === (column === axis ? 1 : 0)),
  );
  const hasSpacing = first ? first.centroid_mm !== null : !isPlain;
  // Without an orientation the service's axes run along the picture's, from its first pixel.
  const isAlongPicture = image.affine.every((row, axis) =>
    row.every((value, column) => (column === axis ? value > 0 : value === 0)),
  );
  return { hasSpacing, hasOrientation: hasSpacing && !isAlongPicture };
}

function highestOf({ values }: Volume): number {
  let highest = 0;
  for (const value of values) if (value > highest) highest = value;
  return highest;
}
