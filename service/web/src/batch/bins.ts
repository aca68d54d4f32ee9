/** Even bins with round edges, for a histogram that people read. */

export interface Bins {
  start: number;
  width: number;
  count: number;
}

const STEPS = [1, 2, 2.5, 5, 10];

/** About `wanted` bins that hold all the values; edges are multiples of a round width. */
export function binsOf(values: readonly number[], wanted: number): Bins {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (low > high) return { start: 0, width: 1, count: 1 };
  const width = roundStep((high - low || Math.abs(high) || 1) / wanted);
  // The quotient of two decimals is often a hair off a whole number.
  const first = Math.floor(low / width + 1e-9);
  const count = Math.max(1, Math.floor(high / width + 1e-9) - first + 1);
  return { start: clean(first * width), width, count };
}

/** How many values each bin holds; a bin holds its lower edge and not its upper one. */
export function histogram(values: readonly number[], { start, width, count }: Bins): number[] {
  const counts = new Array<number>(count).fill(0);
  for (const value of values) {
    const bin = Math.min(count - 1, Math.max(0, Math.floor((value - start) / width + 1e-9)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** Round numbers from low to high, about `wanted` of them. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const step = roundStep((high - low || 1) / wanted);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_none, index) =>
    clean((first + index) * step),
  );
}

/** The least of 1, 2, 2.5, 5 times a power of ten that is not below the value. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return clean((STEPS.find((step) => step * power >= value * (1 - 1e-9)) ?? 10) * power);
}

function clean(value: number): number {
  return Number(value.toPrecision(12));
}
