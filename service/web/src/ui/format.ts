/** Numbers and times as people read them. */

const SIGNIFICANT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export const number = (value: number): string => SIGNIFICANT.format(value);

export const percent = (share: number): string => `${SIGNIFICANT.format(100 * share)} %`;

export function seconds(value: number): string {
  if (value < 60) return `${Math.max(1, Math.round(value))} s`;
  if (value < 3600) return `${Math.round(value / 60)} min`;
  return `${Math.round(value / 3600)} h`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, value > 0 ? Math.floor(Math.log10(value) / 3) : 0);
  return `${SIGNIFICANT.format(value / 1000 ** power)} ${units[power]}`;
}

export function time(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "short", timeStyle: "medium" });
}
