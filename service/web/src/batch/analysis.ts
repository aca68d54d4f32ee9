/** What the scores of a batch say beside its labels: by one model at a time, for scores of two do not compare. */

import { computed, effect, signal } from "@preact/signals";
import type { Model, OperatingPoint } from "../api/types";
import { intervals, type Intervals } from "./bootstrap";
import {
  auprc,
  auroc,
  flaggedShare,
  levelsOf,
  rocOf,
  type RocPoint,
  type Scored,
  type Share,
} from "./figures";
import type { Label } from "./labels";
import { models, rows, tally, type Row } from "./state";

export interface PointFigures {
  point: OperatingPoint;
  sensitivity: Share | null;
  falseAlarms: Share | null;
  /** How many of the unlabelled are flagged. */
  unlabelled: { count: number; of: number } | null;
}

export interface Curve {
  roc: RocPoint[];
  auroc: number;
  auprc: number;
}

/** The model whose scores are shown, where the images' own models differ; "" for that of most images. */
export const chosenModel = signal("");
/** By which operating point rows are flagged; "" for the model's default. */
export const chosenPoint = signal("");
/** Of the present labels and scores; null while they are being made or there are none. */
export const bootstrapped = signal<Intervals | null>(null);

/** Models that have scored, that of most images first, and how many images. */
export const scoredBy = computed<[string, number][]>(() => {
  const counts = new Map<string, number>();
  for (const { state, job } of rows.value) {
    if (state === "done" && job) counts.set(job.model, (counts.get(job.model) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1]);
});

export const shownModel = computed(() => {
  const found = scoredBy.value.map(([reference]) => reference);
  return found.includes(chosenModel.value) ? chosenModel.value : (found[0] ?? "");
});

export const shown = computed<Model | null>(
  () => models.value.find(({ model }) => model === shownModel.value) ?? null,
);

export const pointName = computed(() => {
  const names = shown.value?.operating_points.map(({ name }) => name) ?? [];
  return names.includes(chosenPoint.value) ? chosenPoint.value : (shown.value?.default_operating_point ?? "");
});

/** Rows with a score by the model that is shown. */
export const scored = computed<Row[]>(() =>
  rows.value.filter(({ state, job }) => state === "done" && job?.summary && job.model === shownModel.value),
);

export const labelled = computed<Scored[]>(() =>
  scored.value.flatMap((row) => (row.label === null ? [] : [{ score: scoreOf(row), label: row.label }])),
);

export function scoresWith(label: Label | null): number[] {
  return scored.value.filter((row) => row.label === label).map(scoreOf);
}

const levels = computed(() => levelsOf(labelled.value));

export const curve = computed<Curve | null>(() => {
  const area = auroc(levels.value);
  return Number.isNaN(area) ? null : { roc: rocOf(levels.value), auroc: area, auprc: auprc(levels.value) };
});

export const pointFigures = computed<PointFigures[]>(() => {
  const unlabelled = scoresWith(null);
  return (shown.value?.operating_points ?? []).map((point) => ({
    point,
    sensitivity: shareOf(1, point),
    falseAlarms: shareOf(0, point),
    unlabelled:
      point.threshold === null
        ? null
        : {
            count: unlabelled.filter((score) => score > Number(point.threshold)).length,
            of: unlabelled.length,
          },
  }));
});

/** Labelled images without a place in the figures, by reason; images that are copies of others, which have one. */
export const leftOut = computed(() => {
  const { failed, outOfScope, stopped, open } = tally.value;
  const done = rows.value.filter(({ state }) => state === "done");
  const { size: distinct } = new Set(scored.value.map(({ jobId }) => jobId));
  return {
    failed,
    outOfScope,
    stopped,
    open,
    otherModel: done.filter(({ job }) => job?.summary && job.model !== shownModel.value).length,
    bare: done.filter(({ job }) => !job?.summary).length,
    unlabelled: scored.value.length - labelled.value.length,
    copies: scored.value.length - distinct,
    warned: scored.value.filter(({ job }) => job?.summary?.warnings).length,
  };
});

/** Whether a row is flagged at the operating point that is looked at; null where nothing says so. */
export function isFlagged(row: Row): boolean | null {
  const summary = row.job?.summary;
  if (!summary) return null;
  const own = models.value.find(({ model }) => model === row.job?.model);
  const name = chosenPoint.value || own?.default_operating_point;
  const point = own?.operating_points.find((one) => one.name === name);
  if (!point) return summary.pred_label;
  return point.threshold === null ? null : summary.score > point.threshold;
}

export function scoreOf(row: Row): number {
  return row.job?.summary?.score ?? NaN;
}

function shareOf(label: Label, { threshold }: OperatingPoint): Share | null {
  if (threshold === null) return null;
  const share = flaggedShare(labelled.value, label, threshold);
  return share.of ? share : null;
}

let making = new AbortController();

effect(() => {
  making.abort();
  making = new AbortController();
  bootstrapped.value = null;
  // While scores come in, each would begin the resampling anew.
  if (tally.value.open || !curve.value) return;
  void resample(making.signal);
});

async function resample(signal: AbortSignal): Promise<void> {
  try {
    bootstrapped.value = await intervals(levels.peek(), signal);
  } catch {
    // Other labels or scores have come, and with them another resampling.
  }
}
