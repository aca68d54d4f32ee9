/** The list as a grid of which only the rows in sight are drawn. */

import { useComputed, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import "./grid.css";
import { focusRow, onKey, useArrowsFromAnywhere } from "./keyboard";
import {
  activeId,
  activePlace,
  chosen,
  places,
  scrollTop,
  selectAll,
  selectNone,
  shown,
  sortBy,
  sorting,
} from "./list-state";
import type { Column } from "./rows";
import { ROW_HEIGHT, RowView } from "./RowView";
import { rangeOf, shiftOf } from "./windowing";

const COLUMNS: [Column, string][] = [
  ["name", "Image"],
  ["model", "Model"],
  ["state", "State"],
  ["score", "Score among normals"],
  ["created", "Created"],
];
/** With the tick box and the actions. */
const COLUMN_COUNT = COLUMNS.length + 2;

export function Grid() {
  const scroller = useRef<HTMLDivElement>(null);
  const height = useSignal(600);
  const range = useComputed(() => rangeOf(scrollTop.value, height.value, ROW_HEIGHT, shown.value.length));
  const { first, end } = range.value;
  const active = activePlace.value;
  useHeight(scroller, height);
  useSteadyScroll(scroller, height);
  useSteadyPlace(scroller);
  useArrowsFromAnywhere(scroller);

  // The row that the keyboard is at is drawn wherever it is: gone from the page, it would lose the focus.
  const drawn = shown.value.slice(first, end).map((row, place) => ({ row, place: first + place }));
  const activeRow = shown.value[active];
  if (activeRow && active < first) drawn.unshift({ row: activeRow, place: active });
  if (activeRow && active >= end) drawn.push({ row: activeRow, place: active });

  return (
    <div
      role="grid"
      class="grid"
      aria-label="Images"
      aria-multiselectable="true"
      aria-rowcount={shown.value.length + 1}
      ref={scroller}
      onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}
      onKeyDown={(event) => onKey(event, scroller.current)}
      onFocusIn={(event) => {
        const row = (event.target as Element).closest<HTMLElement>("[data-id]");
        if (row?.dataset["id"]) activeId.value = row.dataset["id"];
      }}
    >
      <div role="rowgroup" class="heading">
        <Heading />
      </div>
      {drawn.length > 0 ? (
        <div role="rowgroup" class="body" style={{ height: `${shown.value.length * ROW_HEIGHT}px` }}>
          {drawn.map(({ row, place }) => (
            <RowView key={row.id} row={row} place={place} isActive={place === active} />
          ))}
        </div>
      ) : (
        <div role="rowgroup">
          <div role="row" class="none">
            <div role="gridcell" aria-colspan={COLUMN_COUNT}>
              No image is like that. Change or clear the filter above.
            </div>
          </div>
        </div>
      )}
    </div>
  );
}

function Heading() {
  const { column: by, isDescending } = sorting.value;
  const all = shown.value.length > 0 && chosen.value.length === shown.value.length;
  return (
    <div role="row" aria-rowindex={1} class="headings">
      <div role="columnheader" class="pick">
        <label>
          <input
            type="checkbox"
            aria-label="Select all images shown"
            checked={all}
            indeterminate={!all && chosen.value.length > 0}
            onChange={all ? selectNone : selectAll}
          />
        </label>
      </div>
      {COLUMNS.map(([column, text]) => (
        <div
          key={column}
          role="columnheader"
          class={column}
          aria-sort={by === column ? (isDescending ? "descending" : "ascending") : "none"}
        >
          <button type="button" class="quiet" onClick={() => sortBy(column)}>
            {text}
            <span class="way" aria-hidden="true">
              {by === column ? (isDescending ? "▼" : "▲") : ""}
            </span>
          </button>
        </div>
      ))}
      <div role="columnheader" class="actions">
        <span class="hidden-text">Actions</span>
      </div>
    </div>
  );
}

function useHeight(scroller: RefObject<HTMLDivElement>, height: { value: number }): void {
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => (height.value = element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
}

/** What is read stays where it is when rows come, go or are sorted elsewhere above it. */
function useSteadyScroll(scroller: RefObject<HTMLDivElement>, height: { value: number }): void {
  const before = useRef({ ids: [] as string[], first: 0, sorting: sorting.value });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const { ids, first, sorting: by } = before.current;
    // At the top one wants to see what is new; sorted anew, one begins again.
    if (by !== sorting.value) element.scrollTop = 0;
    else if (element.scrollTop >= ROW_HEIGHT) {
      element.scrollTop += ROW_HEIGHT * shiftOf(ids, first, places.value);
    }
  }, [shown.value]);
  useLayoutEffect(() => {
    const first = Math.floor(scrollTop.value / ROW_HEIGHT);
    const end = first + Math.ceil(height.value / ROW_HEIGHT);
    before.current = {
      ids: shown.value.slice(first, end).map((row) => row.id),
      first,
      sorting: sorting.value,
    };
  });
  useLayoutEffect(() => {
    // Back from another page.
    if (scroller.current) scroller.current.scrollTop = scrollTop.value;
  }, []);
}

/** The keyboard stays at its place when the row there is gone, and the focus does not get lost with that row. */
function useSteadyPlace(scroller: RefObject<HTMLElement>): void {
  const place = useRef(0);
  useLayoutEffect(() => {
    const isGone = activeId.value !== "" && !places.value.has(activeId.value);
    const heir = shown.value[Math.min(place.current, shown.value.length - 1)];
    if (!isGone || !heir || !scroller.current) return;
    activeId.value = heir.id;
    if (document.activeElement === document.body) focusRow(scroller.current, activePlace.value);
  }, [shown.value]);
  useLayoutEffect(() => {
    place.current = activePlace.value;
  });
}
