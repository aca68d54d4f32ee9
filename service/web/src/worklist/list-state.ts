/** How the list is looked at; kept while other pages are looked at, so that one comes back to the same place. */

import { computed, signal } from "@preact/signals";
import { sent } from "../state/files";
import { jobs } from "../state/jobs";
import { outbox } from "./outbox";
import { filtered, inOrderOf, NO_FILTER, rowsOf, sorted, type Filter, type Row, type Sorting } from "./rows";

export const sorting = signal<Sorting>({ column: "created", isDescending: true });
export const filter = signal<Filter>(NO_FILTER);
export const selected = signal<ReadonlySet<string>>(new Set());
/** The row that the keyboard is at; "" for the first one. */
export const activeId = signal("");
export const scrollTop = signal(0);

export const rows = computed(() => rowsOf(jobs.value, sent.value, outbox.items.value));
let before: readonly Row[] = [];
export const shown = computed(() => {
  before = sorted(inOrderOf(before, filtered(rows.value, filter.value)), sorting.value);
  return before;
});
export const places = computed(() => new Map(shown.value.map((row, place) => [row.id, place])));
/** Where the keyboard is among the rows shown. */
export const activePlace = computed(() => places.value.get(activeId.value) ?? 0);
/** What bulk actions are for: never a row that is not shown. */
export const chosen = computed<Row[]>(() => shown.value.filter((row) => selected.value.has(row.id)));
export const isFiltered = computed(() => filter.value !== NO_FILTER);

export function toggle(id: string): void {
  const next = new Set(selected.value);
  if (!next.delete(id)) next.add(id);
  selected.value = next;
}

export function selectAll(): void {
  selected.value = new Set(shown.value.map((row) => row.id));
}

export function selectNone(): void {
  selected.value = new Set();
}

export function sortBy(column: Sorting["column"]): void {
  const { column: before, isDescending } = sorting.value;
  // What is newest or scores highest is looked for first; names and states are read from the beginning.
  const isFirstDescending = column === "created" || column === "score";
  sorting.value = { column, isDescending: before === column ? !isDescending : isFirstDescending };
}

export function narrow(changes: Partial<Filter>): void {
  const next = { ...filter.value, ...changes };
  const isNone = (Object.keys(next) as (keyof Filter)[]).every((name) => next[name] === "");
  filter.value = isNone ? NO_FILTER : next;
}
