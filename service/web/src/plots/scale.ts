/** From values to places on a plot, and the round numbers to write beside an axis. */

export type Span = readonly [number, number];
export type Scale = (value: number) => number;

/** The straight line that maps `domain` to `range`; a domain of one value maps to the middle. */
export function linear(domain: Span, range: Span): Scale {
  const width = domain[1] - domain[0];
  if (width === 0) return () => (range[0] + range[1]) / 2;
  const slope = (range[1] - range[0]) / width;
  return (value) => range[0] + (value - domain[0]) * slope;
}

/** Multiples of 1, 2 or 5 times a power of ten within a span: at most `most` of them, at least 2 of a span. */
export function ticks([low, high]: Span, most: number): number[] {
  const rough = (high - low) / Math.max(1, most - 1);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toFixed(digits)),
  );
}

export function clamp(value: number, [low, high]: Span): number {
  return Math.min(high, Math.max(low, value));
}
