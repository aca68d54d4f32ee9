/** A bundle's measured figures under names that people read. */

import type { Metric } from "../api/types";
import type { Figure } from "../plots/Whiskers";

const WORDS: Record<string, string> = {
  auroc: "AUROC",
  auprc: "AUPRC",
  aupro: "AUPRO",
  dice: "Dice",
  fpr95: "FPR95",
};

/** What a figure says, by how its name begins or ends; the first that fits. */
const HINTS: [RegExp, string][] = [
  [/image AUROC/, "how often an anomalous image scores above a normal one; 0.5 is chance"],
  [/pixel AUROC/, "the same for pixels of anomalous and normal regions"],
  [/AUPRC/, "precision over all sensitivities; chance is the share of anomalous ones"],
  [/AUPRO/, "overlap with each marked region, over low false-alarm rates"],
  [/Dice/, "overlap of found and marked regions; 1 is the same region"],
  [/FPR95/, "normals flagged where 95 % of the anomalous are; lower is better"],
  [/^sensitivity/, "share of the anomalous images that are flagged"],
  [/^false-alarm rate/, "share of the normal test images that are flagged"],
];

export function figureName(metric: string): string {
  return metric
    .replace(/^false_alarm_/, "false-alarm_")
    .split("_")
    .map((word) => WORDS[word] ?? word)
    .join(" ")
    .replace(/(\d)%/, "$1 %");
}

export function figuresOf(metrics: Readonly<Record<string, Metric>>): Figure[] {
  return Object.entries(metrics).map(([metric, figure]) => {
    const name = figureName(metric);
    return { name, hint: HINTS.find(([pattern]) => pattern.test(name))?.[1] ?? "", ...figure };
  });
}

/** The one figure to show where there is room for one. */
export function headlineOf(metrics: Readonly<Record<string, Metric>>): Figure | null {
  const figures = figuresOf(metrics);
  return figures.find(({ name }) => name === "image AUROC") ?? figures[0] ?? null;
}
