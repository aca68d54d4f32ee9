/** The table's columns: what each says of an image, and by what it is put in order. */

import { isFlagged } from "./analysis";
import type { Row } from "./state";

export type ColumnName =
  | "name"
  | "label"
  | "state"
  | "score"
  | "percentile"
  | "p_value"
  | "flagged"
  | "findings"
  | "warnings"
  | "error";

export interface Order {
  by: ColumnName;
  isDescending: boolean;
}

const STATES: Row["state"][] = [
  "running",
  "sending",
  "queued",
  "waiting",
  "ready",
  "done",
  "failed",
  "refused",
  "cancelled",
  "stopped",
  "expired",
];

const KEYS: Record<ColumnName, (row: Row) => number | string | null> = {
  name: ({ name }) => name,
  label: ({ label }) => label,
  state: ({ state }) => STATES.indexOf(state),
  score: ({ job }) => job?.summary?.score ?? null,
  percentile: ({ job }) => job?.summary?.percentile ?? null,
  p_value: ({ job }) => job?.summary?.p_value ?? null,
  flagged: (row) => asNumber(isFlagged(row)),
  findings: ({ job }) => job?.summary?.findings ?? null,
  warnings: ({ job }) => job?.summary?.warnings ?? null,
  error: ({ error }) => error || null,
};

/** Images without a value come last, whichever way; of equal ones the first stays first. */
export function ordered(rows: readonly Row[], { by, isDescending }: Order): Row[] {
  const sign = isDescending ? -1 : 1;
  const names = new Intl.Collator("en", { numeric: true });
  const keyed = rows.map((row) => ({ row, key: KEYS[by](row) }));
  keyed.sort(({ key: one }, { key: other }) => {
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    if (typeof one === "string" || typeof other === "string") {
      return sign * names.compare(String(one), String(other));
    }
    return sign * (one - other);
  });
  return keyed.map(({ row }) => row);
}

/** How many characters the folders take that all names begin with. */
export function sharedFolders(names: readonly string[]): number {
  const [first = "", ...others] = names;
  let end = first.lastIndexOf("/") + 1;
  for (const name of others) {
    while (end > 0 && !name.startsWith(first.slice(0, end))) end = first.lastIndexOf("/", end - 2) + 1;
  }
  return end;
}

function asNumber(value: boolean | null): number | null {
  return value === null ? null : Number(value);
}
