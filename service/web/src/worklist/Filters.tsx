/** Narrows the list, and says how much of it is shown; with rows selected, what can be done with them. */

import type { ComponentChildren } from "preact";
import { canCancel, canDelete, canRetry, canScoreAnyway, cancel, tryAgain } from "./actions";
import { ask } from "./Asking";
import { chosen, filter, isFiltered, narrow, rows, selectNone, shown } from "./list-state";
import { Mark } from "./Mark";
import { STATE_WORDS } from "./result-text";
import { modelsOf, NO_FILTER, STATES, type Filter, type Row } from "./rows";

const DECISIONS: [Filter["flagged"], string][] = [
  ["", "Any decision"],
  ["flagged", "Flagged"],
  ["clear", "Not flagged"],
  ["undecided", "Not decided"],
  ["out-of-scope", "Out of scope"],
];

export function Filters() {
  return (
    <div class="filters">
      {chosen.value.length > 0 ? <Selection /> : <Fields />}
      <Unsent />
      <p class="count" role="status">
        {shown.value.length === rows.value.length
          ? `${rows.value.length.toLocaleString("en")} ${rows.value.length === 1 ? "image" : "images"}`
          : `${shown.value.length.toLocaleString("en")} of ${rows.value.length.toLocaleString("en")} images`}
      </p>
    </div>
  );
}

/** Images that wait for somebody's word may be far down the list. */
function Unsent() {
  const count = rows.value.filter(({ state }) => state === "refused").length;
  if (count === 0 || filter.value.state === "refused") return null;
  return (
    <button type="button" class="unsent" onClick={() => narrow({ state: "refused" })}>
      <Mark shape="warn" />
      {count.toLocaleString("en")} not sent
    </button>
  );
}

function Fields() {
  const { text, model, state, flagged } = filter.value;
  return (
    <>
      <input
        type="search"
        aria-label="Find by name or model"
        placeholder="Find by name"
        value={text}
        onInput={(event) => narrow({ text: event.currentTarget.value })}
      />
      <Choice label="State" value={state} on={(value) => narrow({ state: value as Filter["state"] })}>
        <option value="">Any state</option>
        {STATES.map((one) => (
          <option key={one} value={one}>
            {STATE_WORDS[one]}
          </option>
        ))}
      </Choice>
      <Choice
        label="Decision"
        value={flagged}
        on={(value) => narrow({ flagged: value as Filter["flagged"] })}
      >
        {DECISIONS.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </Choice>
      <Choice label="Model" value={model} on={(value) => narrow({ model: value })}>
        <option value="">Any model</option>
        {modelsOf(rows.value).map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </Choice>
      {isFiltered.value && (
        <button type="button" class="quiet" onClick={() => (filter.value = NO_FILTER)}>
          Clear
        </button>
      )}
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  on: (value: string) => void;
  children: ComponentChildren;
}

function Choice({ label, value, on, children }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => on(event.currentTarget.value)}>
      {children}
    </select>
  );
}

function Selection() {
  const rows = chosen.value;
  const action = (text: string, able: (row: Row) => boolean, act: (rows: readonly Row[]) => unknown) => {
    const those = rows.filter(able);
    return (
      those.length > 0 && (
        <button type="button" onClick={() => act(those)}>
          {text} <span class="number">{those.length.toLocaleString("en")}</span>
        </button>
      )
    );
  };
  return (
    <div class="selection" role="group" aria-label="Selected images">
      <b>{rows.length.toLocaleString("en")} selected</b>
      {action("Cancel", canCancel, (those) => void cancel(those))}
      {action("Retry", canRetry, (those) => void tryAgain(those))}
      {action("Score anyway", canScoreAnyway, (those) => ask("why", those))}
      {action("Delete", canDelete, (those) => ask("delete", those))}
      <button type="button" class="quiet" onClick={selectNone}>
        Select none
      </button>
    </div>
  );
}
