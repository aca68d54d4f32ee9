/** One row of the list: what the image is called, how far it is, and what came out. */

import { useSignal } from "@preact/signals";
import type { Job, Summary } from "../api/types";
import { bytes, time } from "../ui/format";
import { canCancel, canDelete, canRetry, canScoreAnyway, cancel, tryAgain } from "./actions";
import { ask } from "./Asking";
import { selected, toggle } from "./list-state";
import { Mark, type Shape } from "./Mark";
import type { Outgoing } from "./queue";
import { counted, createdText, progressText, resultText, STATE_WORDS, type Decision } from "./result-text";
import type { Row, RowState } from "./rows";

export const ROW_HEIGHT = 46;
/** The heading is the table's first row. */
const HEADINGS = 1;

const NO_NAME = "The service gets no names of files; only the tab that sent them knows them.";
const STATE_MARKS: Record<RowState, Shape> = {
  waiting: "clock",
  sending: "up",
  refused: "warn",
  queued: "clock",
  running: "arrow",
  done: "tick",
  failed: "cross",
  cancelled: "dash",
  expired: "dash",
};
const DECISION_MARKS: Record<Decision, Shape> = {
  flagged: "triangle",
  clear: "circle",
  undecided: "dash",
  "out-of-scope": "cross",
};

interface Props {
  row: Row;
  place: number;
  /** The row that the keyboard is at; the buttons of the others are not stops of the tab key. */
  isActive: boolean;
}

export function RowView({ row, place, isActive }: Props) {
  const isSelected = selected.value.has(row.id);
  const tabIndex = isActive ? 0 : -1;
  return (
    <div
      role="row"
      class="row"
      data-id={row.id}
      aria-rowindex={place + 1 + HEADINGS}
      aria-selected={isSelected}
      tabIndex={tabIndex}
      style={{ top: `${place * ROW_HEIGHT}px` }}
    >
      <div role="gridcell" class="pick">
        <label>
          <input
            type="checkbox"
            aria-label={`Select ${row.name}`}
            checked={isSelected}
            tabIndex={tabIndex}
            onChange={() => toggle(row.id)}
          />
        </label>
      </div>
      <div role="gridcell" class="name">
        {row.job ? (
          <a href={`#/jobs/${row.id}`} title={row.image ? row.name : NO_NAME} tabIndex={tabIndex}>
            {row.name}
          </a>
        ) : (
          <span title={row.name}>{row.name}</span>
        )}
        <small>{aboutFiles(row)}</small>
      </div>
      <div role="gridcell" class="model" title={row.model}>
        {row.model || "service’s choice"}
      </div>
      <div role="gridcell" class="state" data-state={row.state}>
        <StateText row={row} tabIndex={tabIndex} />
      </div>
      <div role="gridcell" class="score">
        {row.job?.summary ? (
          <Score summary={row.job.summary} />
        ) : (
          <span class="hidden-text">No score yet</span>
        )}
      </div>
      <div role="gridcell" class="created" title={time(row.created_at)}>
        {createdText(row.created_at)}
      </div>
      <div role="gridcell" class="actions">
        <Actions row={row} tabIndex={tabIndex} />
      </div>
    </div>
  );
}

function aboutFiles({ image, job }: Row): string {
  const size = image ? bytes(image.files.reduce((sum, { file }) => sum + file.size, 0)) : "";
  const slices = job?.summary?.slices ?? image?.files.length ?? 1;
  const what = slices > 1 ? counted(slices, "slice") : "";
  return [what, size || "name not kept"].filter(Boolean).join(" · ");
}

function StateText({ row, tabIndex }: { row: Row; tabIndex: number }) {
  const { state, problem, job, outgoing } = row;
  return (
    <>
      <span class="word">
        <Mark shape={STATE_MARKS[state]} />
        {STATE_WORDS[state]}
      </span>
      {problem && (
        <button
          type="button"
          class="why"
          tabIndex={tabIndex}
          title={problem.detail}
          onClick={() => ask("why", [row])}
        >
          {problem.detail}
        </button>
      )}
      {outgoing && state === "sending" && <SendBar outgoing={outgoing} />}
      {job && (state === "running" || state === "queued") && <JobBar job={job} />}
    </>
  );
}

function SendBar({ outgoing }: { outgoing: Outgoing }) {
  const share = outgoing.progress.value;
  const text = share < 1 ? `${Math.round(100 * share)} %` : "being looked at";
  return (
    <span class="progress">
      <progress value={share} aria-label={`Sent of ${outgoing.image.name}`} />
      <small>{text}</small>
    </span>
  );
}

function JobBar({ job }: { job: Job }) {
  const text = progressText(job);
  return (
    <span class="progress">
      {job.state === "running" && <progress value={job.progress} aria-label="Scored" />}
      <small>{text}</small>
    </span>
  );
}

function Score({ summary }: { summary: Summary }) {
  const { decision, label, percentile, rest, warned } = resultText(summary);
  return (
    <>
      <span class="decision" data-decision={decision}>
        <Mark shape={DECISION_MARKS[decision]} />
        <b>{label}</b>
        <span class="percentile" title="Rank of the score among held-out normal images">
          {percentile}
        </span>
      </span>
      <small>
        {rest}
        {warned && <span class="warned"> · {warned}</span>}
      </small>
    </>
  );
}

function Actions({ row, tabIndex }: { row: Row; tabIndex: number }) {
  const isBusy = useSignal(false);
  const button = (text: string, act: () => Promise<void> | void) => (
    <button
      type="button"
      class="quiet"
      tabIndex={tabIndex}
      disabled={isBusy.value}
      aria-label={`${text} ${row.name}`}
      onClick={() => {
        isBusy.value = true;
        void Promise.resolve(act()).finally(() => (isBusy.value = false));
      }}
    >
      {text}
    </button>
  );
  return (
    <>
      {canScoreAnyway(row) && button("Score anyway", () => ask("why", [row]))}
      {canRetry(row) && !canScoreAnyway(row) && button("Retry", () => tryAgain([row]))}
      {canCancel(row) && button("Cancel", () => cancel([row]))}
      {canDelete(row) && !canCancel(row) && button("Delete", () => ask("delete", [row]))}
    </>
  );
}
