/** Windows: which values are black and which white, and what is a good choice of them. */

import type { Volume } from "./volume";
import type { Window } from "./state";

export interface Preset {
  name: string;
  window: Window;
}

/** In HU; centre and width as radiology departments commonly have them. */
export const CT_PRESETS: readonly Preset[] = [
  { name: "Abdomen, soft tissue", window: { center: 50, width: 400 } },
  { name: "Brain", window: { center: 40, width: 80 } },
  { name: "Stroke", window: { center: 35, width: 35 } },
  { name: "Subdural", window: { center: 75, width: 215 } },
  { name: "Bone", window: { center: 500, width: 1800 } },
  { name: "Lung", window: { center: -600, width: 1500 } },
  { name: "Mediastinum", window: { center: 50, width: 350 } },
];

/** As many values as tell enough of an image's. */
const SAMPLE = 200_000;
/** Air in a CT, and the padding around its circle. */
const AIR_HU: [number, number] = [-1060, -940];
const AIR_SHARE = 0.02;

/** The values black and white begin at. */
export function limitsOf({ center, width }: Window): [low: number, high: number] {
  return [center - width / 2, center + width / 2];
}

export function windowBetween(low: number, high: number): Window {
  return { center: (low + high) / 2, width: Math.max(high - low, 1e-9) };
}

/** What a drag of one pixel changes, so that a hand's breadth goes through a window. */
export function dragged(start: Window, across: number, down: number): Window {
  const step = start.width / 300;
  return { center: start.center + down * step, width: Math.max(start.width + across * step, 1e-9) };
}

/** Some of the image's values, ascending; gaps are left out. */
export function sampleOf(volume: Volume): Float64Array {
  const { values } = volume;
  // An even step would meet the same columns again and again where it divides a row.
  const step = Math.max(1, Math.floor(values.length / SAMPLE)) | 1;
  const found: number[] = [];
  for (let index = 0; index < values.length; index += step) {
    const value = values[index] ?? NaN;
    if (Number.isFinite(value)) found.push(value);
  }
  return Float64Array.from(found).sort();
}

/** `share` is 0 to 1; between two values it lies between them. */
export function quantile(sample: Float64Array, share: number): number {
  const place = share * (sample.length - 1);
  const low = sample[Math.floor(place)] ?? 0;
  const high = sample[Math.ceil(place)] ?? 0;
  return low + (place - Math.floor(place)) * (high - low);
}

/** From the image's 1st to its 99th percentile, and from its lowest to its highest value. */
export function presetsOf(sample: Float64Array): [Preset, Preset] {
  return [
    { name: "Image (1–99 %)", window: windowBetween(quantile(sample, 0.01), quantile(sample, 0.99)) },
    { name: "Full range", window: windowBetween(quantile(sample, 0), quantile(sample, 1)) },
  ];
}

/**
 * Whether the values are surely Hounsfield units: the service says that it is a CT, or it is a volume of whole
 * values with as much air at -1000 as nothing but a CT has.
 */
export function isHounsfield(volume: Volume, sample: Float64Array, warnings: readonly string[]): boolean {
  if (warnings.some((warning) => /\bmodality is CT\b/.test(warning))) return true;
  if (volume.size[2] < 2 || volume.values instanceof Float32Array) return false;
  const air = sample.filter((value) => value >= AIR_HU[0] && value <= AIR_HU[1]);
  return air.length >= AIR_SHARE * sample.length && quantile(sample, 1) > 200;
}
