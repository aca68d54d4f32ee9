/** The list by keyboard: arrows move, Enter opens, the space bar selects, Delete deletes, Escape lets go. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { canDelete } from "./actions";
import { ask } from "./Asking";
import { activeId, activePlace, chosen, selectNone, shown, toggle } from "./list-state";
import { ROW_HEIGHT } from "./RowView";
import { scrollTo } from "./windowing";

/** Where each key moves to: from a place, by the rows on a page, up to the last place. */
const MOVES: Record<string, (place: number, page: number, last: number) => number> = {
  ArrowDown: (place) => place + 1,
  ArrowUp: (place) => place - 1,
  PageDown: (place, page) => place + page,
  PageUp: (place, page) => place - page,
  Home: () => 0,
  End: (_place, _page, last) => last,
};

/** What keys do on a row itself; its buttons and boxes have them for themselves. */
const ON_ROW: Record<string, () => void> = {
  Enter: () => {
    const row = shown.value[activePlace.value];
    if (row?.job) location.hash = `#/jobs/${row.id}`;
  },
  " ": () => toggle(shown.value[activePlace.value]?.id ?? ""),
};

const ANYWHERE: Record<string, () => void> = {
  Delete: () => {
    const row = shown.value[activePlace.value];
    ask("delete", (chosen.value.length > 0 ? chosen.value : row ? [row] : []).filter(canDelete));
  },
  Escape: selectNone,
};

export function onKey(event: KeyboardEvent, scroller: HTMLElement | null): void {
  const target = event.target as Element;
  const move = target.closest("[data-id]") ? MOVES[event.key] : undefined;
  const act = ANYWHERE[event.key] ?? (target.getAttribute("role") === "row" ? ON_ROW[event.key] : undefined);
  if (!scroller || !(move ?? act)) return;
  event.preventDefault();
  act?.();
  if (move) {
    const last = shown.value.length - 1;
    const page = Math.max(1, Math.floor(roomIn(scroller) / ROW_HEIGHT) - 1);
    focusRow(scroller, Math.max(0, Math.min(last, move(activePlace.value, page, last))));
  }
}

/** Arrows move through the list also when nothing has the focus yet. */
export function useArrowsFromAnywhere(scroller: RefObject<HTMLElement>): void {
  useEffect(() => {
    function begin(event: KeyboardEvent): void {
      const isNowhere = event.target === document.body || (event.target as Element).id === "main";
      if (!scroller.current || !isNowhere || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
      event.preventDefault();
      focusRow(scroller.current, activePlace.value);
    }
    addEventListener("keydown", begin);
    return () => removeEventListener("keydown", begin);
  }, []);
}

export function focusRow(scroller: HTMLElement, place: number): void {
  const row = shown.value[place];
  if (!row) return;
  activeId.value = row.id;
  scroller.scrollTop = scrollTo(place, scroller.scrollTop, roomIn(scroller), ROW_HEIGHT);
  // It may have to be drawn first.
  requestAnimationFrame(() => {
    scroller.querySelector<HTMLElement>(`[data-id="${CSS.escape(row.id)}"]`)?.focus({ preventScroll: true });
  });
}

/** The heading stays on top of the rows. */
function roomIn(scroller: HTMLElement): number {
  return scroller.clientHeight - (scroller.querySelector<HTMLElement>(".heading")?.offsetHeight ?? 0);
}
