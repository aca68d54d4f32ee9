/** What is asked before something is done: deleting for good, and scoring what no model is meant for. */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { canRetry, canScoreAnyway, isOutOfScope, remove, scoreAnyway, tryAgain } from "./actions";
import { selectNone } from "./list-state";
import { loadModels, models } from "./models";
import { counted, STATE_WORDS } from "./result-text";
import type { Row } from "./rows";

const REASONS = 4;

type Question = "delete" | "why";

const asked = signal<{ question: Question; rows: readonly Row[] } | null>(null);

export function ask(question: Question, rows: readonly Row[]): void {
  if (rows.length > 0) asked.value = { question, rows };
}

export function Asking() {
  const dialog = useRef<HTMLDialogElement>(null);
  const now = asked.value;
  useEffect(() => {
    if (now) dialog.current?.showModal();
    else dialog.current?.close();
  }, [now]);
  return (
    <dialog ref={dialog} class="asking" aria-labelledby="asking-title" onClose={() => (asked.value = null)}>
      {now?.question === "delete" && <DeleteForm rows={now.rows} />}
      {now?.question === "why" && <WhyForm rows={now.rows} />}
    </dialog>
  );
}

function close(): void {
  asked.value = null;
}

function DeleteForm({ rows }: { rows: readonly Row[] }) {
  const [first] = rows;
  const jobs = rows.filter(({ job }) => job).length;
  function take(event: SubmitEvent): void {
    event.preventDefault();
    close();
    selectNone();
    void remove(rows);
  }
  return (
    <form onSubmit={take}>
      <h2 id="asking-title">
        {rows.length === 1 ? `Delete ${first?.name}?` : `Delete ${counted(rows.length, "image")}?`}
      </h2>
      <p>
        {jobs > 0
          ? "What was sent and its results are removed from the service, for everybody. This cannot be undone."
          : "It was not sent; it only leaves this list."}
      </p>
      <div class="answers">
        <button type="button" onClick={close}>
          Keep
        </button>
        <button type="submit" class="danger">
          Delete
        </button>
      </div>
    </form>
  );
}

function WhyForm({ rows }: { rows: readonly Row[] }) {
  useEffect(() => void loadModels(), []);
  const [first] = rows as [Row];
  const able = rows.filter(canScoreAnyway);
  const canGoOn = able.length > 0;
  const fitting = models.value.filter(({ contrasts }) => contrasts.length <= 1);

  function take(event: SubmitEvent): void {
    event.preventDefault();
    const model = new FormData(event.currentTarget as HTMLFormElement).get("model")?.toString() ?? "";
    close();
    if (canGoOn) scoreAnyway(able, model);
    else void tryAgain(rows);
  }

  const title =
    rows.length === 1
      ? `${first.name}: ${STATE_WORDS[first.state].toLowerCase()}`
      : counted(rows.length, "image");
  return (
    <form onSubmit={take}>
      <h2 id="asking-title">{title}</h2>
      <Reasons rows={rows} />
      {canGoOn && (
        <>
          <label>
            Score anyway with
            <select name="model" required>
              {fitting.map(({ model, description }) => (
                <option key={model} value={model} title={description} selected={model === first.model}>
                  {model}
                </option>
              ))}
            </select>
          </label>
          <p class="warning">
            The model was not made for such images: its score and percentile may mean nothing for them. The
            result will say so.
          </p>
        </>
      )}
      {isOutOfScope(first) && !canGoOn && (
        <p class="hint">
          Its files are not in this tab any more. Drop them again to score them all the same.
        </p>
      )}
      <div class="answers">
        <button type="button" onClick={close}>
          Close
        </button>
        {canGoOn && (
          <button type="submit" disabled={fitting.length === 0}>
            Score anyway
          </button>
        )}
        {canRetry(first) && <button type="submit">Try again</button>}
      </div>
    </form>
  );
}

/** Each reason once: of hundreds of images most are refused for the same. */
function Reasons({ rows }: { rows: readonly Row[] }) {
  const reasons = [...new Set(rows.map(({ problem }) => problem?.detail ?? ""))];
  if (reasons.length === 1) return <p class="reason">{reasons[0]}</p>;
  return (
    <ul class="reasons">
      {reasons.slice(0, REASONS).map((reason) => (
        <li key={reason} class="reason">
          {reason}
        </li>
      ))}
      {reasons.length > REASONS && <li>{counted(reasons.length - REASONS, "other reason")}</li>}
    </ul>
  );
}
