/** How far the batch is, what can be done with it, and its table for other programs. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { save } from "../api/client";
import { seconds } from "../ui/format";
import { csvFile, gather, parquetFile } from "./exports";
import { cancelAll, clear, send } from "./sending";
import { model, pause, startedAt, table, tally, type Tally } from "./state";
import { LabelProblems, LabelsCount, LabelsPicker } from "./Steps";

export function Progress() {
  const { total, open, done, failed, outOfScope, stopped } = tally.value;
  return (
    <section class="panel batch-progress" aria-label="Progress of the batch">
      <div class="batch-line">
        <p role="status">
          <strong>{open ? `${done} of ${total} scored` : endWords(tally.value)}</strong>
          {detailWords(tally.value)}
        </p>
        <TimeLeft />
        <span class="grow" />
        {open ? (
          <button type="button" onClick={() => void cancelAll()}>
            Cancel all
          </button>
        ) : (
          <>
            {failed + stopped ? (
              <button type="button" onClick={() => void send()}>
                Send {failed + stopped + outOfScope} again
              </button>
            ) : null}
            <button type="button" onClick={clear}>
              New batch
            </button>
          </>
        )}
      </div>
      <div
        class="batch-bar"
        role="progressbar"
        aria-label="Images that have ended"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={total - open}
      >
        <span class="done" style={{ width: `${(100 * done) / total}%` }} />
        <span class="failed" style={{ width: `${(100 * (failed + outOfScope)) / total}%` }} />
        <span class="stopped" style={{ width: `${(100 * stopped) / total}%` }} />
      </div>
      {pause.value ? <p class="warning">{pause.value}</p> : null}
      <div class="batch-line">
        {table.value ? <LabelsCount /> : <p class="hint">No labels</p>}
        <LabelsPicker />
        <span class="grow" />
        <Downloads />
      </div>
      <LabelProblems />
    </section>
  );
}

function Downloads() {
  const busy = useSignal("");
  const trouble = useSignal("");

  async function download(make: () => Blob | Promise<Blob>, extension: string): Promise<void> {
    trouble.value = "";
    busy.value = "Preparing…";
    try {
      await gather((count, of) => (busy.value = `Reading results: ${count} of ${of}`));
      save(await make(), `atypia-batch-${new Date().toISOString().slice(0, 10)}.${extension}`);
    } catch (error) {
      trouble.value = `The file could not be made: ${error instanceof Error ? error.message : "unknown"}`;
    }
    busy.value = "";
  }

  return (
    <div class="batch-buttons">
      <span class="hint" role="status">
        {busy.value}
      </span>
      <span class="error" role="alert">
        {trouble.value}
      </span>
      <button
        type="button"
        disabled={busy.value !== ""}
        title="UTF-8 with a byte-order mark, as Excel wants it"
        onClick={() => void download(csvFile, "csv")}
      >
        Download CSV
      </button>
      <button
        type="button"
        disabled={busy.value !== ""}
        title="Typed columns, for pandas, R, DuckDB"
        onClick={() => void download(parquetFile, "parquet")}
      >
        Parquet
      </button>
    </div>
  );
}

function TimeLeft() {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const { total, open } = tally.value;
  const ended = total - open;
  if (!open || ended < 3 || startedAt.value === null) return null;
  const left = (((now.value - startedAt.value) / ended) * open) / 1000;
  return <span class="hint">about {seconds(left)} left</span>;
}

function endWords({ total, done }: Tally): string {
  return done === total ? `All ${total} scored` : `${done} of ${total} scored`;
}

function detailWords({ failed, outOfScope, stopped }: Tally): string {
  const parts = [
    [failed, "failed"],
    [outOfScope, "out of scope"],
    [stopped, "cancelled"],
  ].filter(([count]) => count);
  const by = model.value ? ` by ${model.value}` : "";
  return `${by}${parts.map(([count, words]) => `, ${count} ${words}`).join("")}`;
}
