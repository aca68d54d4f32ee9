/** All images of the batch with what is known of each; of many only the rows in sight are made. */

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../ui/format";
import { isFlagged, pointName } from "./analysis";
import { ordered, sharedFolders, type ColumnName, type Order } from "./order";
import { rows, type Row, type RowState } from "./state";

/** As in batch.css. */
const ROW_PX = 34;
/** Up to so many all rows are there, for a browser's own search and print. */
const ALL_UP_TO = 200;
/** Rows that are made above and below what is seen. */
const MARGIN = 12;

const COLUMNS: { name: ColumnName; title: string; hint?: string; isNumber?: boolean }[] = [
  { name: "name", title: "Image" },
  { name: "label", title: "Label" },
  { name: "state", title: "State" },
  { name: "score", title: "Score", hint: "Higher departs further from normal", isNumber: true },
  { name: "percentile", title: "Percentile", hint: "Among held-out normal images", isNumber: true },
  { name: "p_value", title: "p-value", hint: "Small is rare among normal images", isNumber: true },
  { name: "flagged", title: "Flagged" },
  { name: "findings", title: "Findings", hint: "Regions above the map’s threshold", isNumber: true },
  { name: "warnings", title: "Warnings", isNumber: true },
  { name: "error", title: "Error" },
];
const NUMBERS = ["score", "percentile", "p_value", "flagged", "findings", "warnings"];
const DESCENDING_FIRST = new Set<ColumnName>([
  "score",
  "percentile",
  "flagged",
  "findings",
  "warnings",
  "label",
]);

export const STATE_WORDS: Record<RowState, string> = {
  ready: "Not sent",
  waiting: "Waiting",
  sending: "Sending",
  queued: "Queued",
  running: "Running",
  done: "Done",
  failed: "Failed",
  refused: "Refused",
  cancelled: "Cancelled",
  stopped: "Not sent",
  expired: "Expired",
};

export function ResultTable() {
  const order = useSignal<Order>({ by: "name", isDescending: false });
  const all = useComputed(() => ordered(rows.value, order.value));
  const shared = useComputed(() => sharedFolders(rows.value.map(({ name }) => name)));
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ top: 0, height: 600 });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => (view.value = { top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);

  const hasErrors = useComputed(() => rows.value.some(({ error }) => error !== ""));
  const columns = hasErrors.value ? COLUMNS : COLUMNS.filter(({ name }) => name !== "error");
  const total = all.value.length;
  const isWhole = total <= ALL_UP_TO;
  const { top, height } = view.value;
  const first = isWhole ? 0 : Math.max(0, Math.min(total, Math.floor(top / ROW_PX)) - MARGIN);
  const end = isWhole ? total : Math.min(total, Math.ceil((top + height) / ROW_PX) + MARGIN);

  function sortBy(by: ColumnName): void {
    const { by: before, isDescending } = order.value;
    order.value = { by, isDescending: by === before ? !isDescending : DESCENDING_FIRST.has(by) };
    if (box.current) box.current.scrollTop = 0;
  }

  return (
    <div class="batch-table" ref={box} tabIndex={0} role="region" aria-labelledby="batch-table-title">
      <table aria-rowcount={total + 1} data-errors={hasErrors.value}>
        <caption class="hidden-text" id="batch-table-title">
          The images of the batch; buttons in the header sort them
        </caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ name, title, hint, isNumber }) => (
              <th
                key={name}
                scope="col"
                class={`c-${name}${isNumber ? " is-number" : ""}`}
                aria-sort={
                  order.value.by === name ? (order.value.isDescending ? "descending" : "ascending") : "none"
                }
              >
                <button type="button" class="quiet" title={hint} onClick={() => sortBy(name)}>
                  {title}
                  {name === "flagged" && pointName.value ? <small> at {pointName.value}</small> : null}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} columns={columns.length} />
          {all.value.slice(first, end).map((row, index) => (
            <ImageRow
              key={row.index}
              row={row}
              place={first + index + 2}
              shared={shared.value}
              hasErrors={hasErrors.value}
            />
          ))}
          <Gap rows={total - end} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

function Gap({ rows: count, columns }: { rows: number; columns: number }) {
  if (!count) return null;
  return (
    <tr aria-hidden="true">
      <td class="gap" colSpan={columns} style={{ height: `${count * ROW_PX}px` }} />
    </tr>
  );
}

interface ImageRowProps {
  row: Row;
  place: number;
  /** So many characters at the beginning of every name are the same folders. */
  shared: number;
  hasErrors: boolean;
}

function ImageRow({ row, place, shared, hasErrors }: ImageRowProps) {
  const text = row.name.slice(shared);
  return (
    <tr aria-rowindex={place}>
      <th scope="row" class="c-name" title={row.name}>
        {row.jobId ? <a href={`#/jobs/${row.jobId}`}>{text}</a> : text}
      </th>
      <td class="c-label">{row.label === null ? <Nothing /> : row.label ? "anomalous" : "normal"}</td>
      <td class="c-state" data-state={row.state}>
        {STATE_WORDS[row.state]}
        {row.state === "running" && row.job ? ` ${Math.round(100 * row.job.progress)} %` : ""}
      </td>
      <Numbers row={row} />
      {hasErrors ? (
        <td class="c-error" title={row.error}>
          {row.error}
        </td>
      ) : null}
    </tr>
  );
}

function Numbers({ row }: { row: Row }) {
  const summary = row.job?.summary;
  if (!summary) {
    return (
      <>
        {NUMBERS.map((name) => (
          <td key={name} class={name === "flagged" ? "c-flagged" : "is-number"}>
            <Nothing />
          </td>
        ))}
      </>
    );
  }
  return (
    <>
      <td class="is-number">{summary.score.toFixed(3)}</td>
      <td class="is-number">{summary.percentile.toFixed(1)}</td>
      <td class="is-number">{number(summary.p_value)}</td>
      <td class="c-flagged">
        <Flag isFlagged={isFlagged(row)} />
      </td>
      <td class="is-number">{summary.findings}</td>
      <td class="is-number">{summary.warnings}</td>
    </>
  );
}

function Flag({ isFlagged: is }: { isFlagged: boolean | null }) {
  if (is === null)
    return <span title="This operating point has no threshold: too few held-out normals">—</span>;
  return is ? <strong class="flag">flagged</strong> : <span class="no-flag">no</span>;
}

function Nothing() {
  return (
    <span class="nothing" aria-label="none">
      ·
    </span>
  );
}
