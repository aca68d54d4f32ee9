/** Which two models to compare first. */

import type { Model } from "../api/types";

/** `first` if it is installed, and the first that is another. */
export function pairOf(models: readonly Pick<Model, "model">[], first: string): [string, string] {
  const names = models.map(({ model }) => model);
  const one = names.includes(first) ? first : (names[0] ?? "");
  return [one, names.find((name) => name !== one) ?? ""];
}

/** References without their versions, where that still tells them apart. */
export function shortNames(references: readonly string[]): string[] {
  const names = references.map((reference) => reference.replace(/@[^@]*$/, ""));
  return new Set(names).size === names.length ? names : [...references];
}
