/** Whether the service can work, what it is doing, how fast, and what has gone wrong: words first, then figures. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ServiceStatus } from "../api/types";
import { bytes, number } from "../ui/format";
import { Bars } from "./Bars";
import { Pace } from "./Pace";
import { history, status, trouble, watchStatus } from "./poll";
import * as words from "./sentences";
import { Workers } from "./Workers";
import "./status.css";

/** A screen reader is told of the queue no oftener than this. */
const TOLD_MS = 15_000;
const PRIORITIES = ["high", "normal", "low"];

export default function StatusPage() {
  useEffect(() => {
    const ending = new AbortController();
    void watchStatus(ending.signal);
    return () => ending.abort();
  }, []);
  const found = status.value;
  return (
    <div class="page status" data-stale={trouble.value !== ""}>
      <h1>Status</h1>
      {trouble.value ? (
        <p class="warning" role="alert">
          <strong>No status.</strong> {trouble.value}
          {found ? ` (What is shown is of ${lastSeen()}.)` : ""}
        </p>
      ) : null}
      {found ? <Found status={found} /> : trouble.value ? null : <p class="hint">Asking the service…</p>}
    </div>
  );
}

function Found({ status: found }: { status: ServiceStatus }) {
  return (
    <>
      {trouble.value ? null : <Readiness status={found} />}
      <div class="status-cards">
        <Queue status={found} />
        <section class="panel" aria-labelledby="pace-head">
          <h2 id="pace-head">Pace</h2>
          <p>
            <strong class="big">{found.ended_last_minute["done"] ?? 0}</strong> jobs done in the last minute
            {found.ended_last_minute["failed"] ? (
              <span class="error">, {found.ended_last_minute["failed"]} failed</span>
            ) : null}
          </p>
          <Pace />
        </section>
        <Room status={found} />
      </div>
      <section class="panel" aria-labelledby="workers-head">
        <h2 id="workers-head">Workers</h2>
        <Workers workers={found.workers} />
      </section>
      <div class="status-halves">
        <Stages status={found} />
        <Failures status={found} />
      </div>
      <footer class="hint status-foot">
        <span>Atypia {found.version}</span>
        <a href="/docs">API</a>
        <a href="/metrics">Metrics for Prometheus</a>
        <a href="/readyz">Readiness as JSON</a>
        <span class="when">As of {lastSeen()}; asked for every 2 s while this tab is in sight</span>
      </footer>
    </>
  );
}

function Readiness({ status: found }: { status: ServiceStatus }) {
  const mark = !found.ready ? "failed" : found.problems.length ? "flagged" : "clear";
  return (
    <section class="panel status-ready" data-mark={mark} aria-label="Readiness">
      <div role="status">
        <p class="headline">
          <span class="mark" aria-hidden="true">
            {mark === "clear" ? "✓" : "!"}
          </span>
          {words.readiness(found)}
        </p>
        {found.problems.length ? (
          <ul>
            {found.problems.map((problem) => (
              <li key={problem}>{words.sentence(problem)}</li>
            ))}
          </ul>
        ) : null}
      </div>
    </section>
  );
}

function Queue({ status: found }: { status: ServiceStatus }) {
  const told = useSignal({ at: 0, sentence: "" });
  const sentence = words.queueSentence(found);
  useEffect(() => {
    const now = Date.now();
    if (now - told.value.at > TOLD_MS) told.value = { at: now, sentence };
  }, [sentence]);
  return (
    <section class="panel" aria-labelledby="queue-head">
      <h2 id="queue-head">Queue</h2>
      <p>
        <strong class="big">{found.queue_depth}</strong> unfinished {found.queue_depth === 1 ? "job" : "jobs"}
      </p>
      <p class="hint">{sentence}</p>
      <p class="hidden-text" role="status">
        {told.value.sentence}
      </p>
      <dl class="status-list">
        {PRIORITIES.map((priority) => (
          <div key={priority}>
            <dt>{priority} priority</dt>
            <dd>{found.queue_depths[priority] ?? 0}</dd>
          </div>
        ))}
        <div>
          <dt>uploads that wait</dt>
          <dd>{bytes(found.queued_bytes)}</dd>
        </div>
      </dl>
    </section>
  );
}

function Room({ status: found }: { status: ServiceStatus }) {
  const ended = found.ended_ever;
  return (
    <section class="panel" aria-labelledby="room-head">
      <h2 id="room-head">Room and work</h2>
      <p>
        <strong class="big">{bytes(found.free_bytes)}</strong> free on the store’s disk
      </p>
      {words.isShortOfSpace(found) ? (
        <p class="warning">Little space is left; without any, uploads are refused.</p>
      ) : null}
      <dl class="status-list">
        {["done", "failed", "cancelled"].map((state) => (
          <div key={state}>
            <dt>{state}, ever</dt>
            <dd>{(ended[state] ?? 0).toLocaleString("en")}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">Network: {words.fillSentence(found)}</p>
    </section>
  );
}

function Stages({ status: found }: { status: ServiceStatus }) {
  const means = words.stageMeans(found);
  const total = means.reduce((sum, { ms }) => sum + ms, 0);
  return (
    <section class="panel" aria-labelledby="stages-head">
      <h2 id="stages-head">Where the time goes</h2>
      {means.length ? (
        <>
          <p class="hint">Mean of each stage for all jobs that ended; {number(total)} ms together.</p>
          <Bars
            bars={means.map(({ stage, ms }) => ({
              name: words.STAGES[stage] ?? stage,
              value: ms,
              text: `${number(ms)} ms`,
              hint: stage,
            }))}
          />
        </>
      ) : (
        <p class="hint">No job has ended yet.</p>
      )}
    </section>
  );
}

function Failures({ status: found }: { status: ServiceStatus }) {
  const kinds = Object.entries(found.failures).sort((one, other) => other[1] - one[1]);
  return (
    <section class="panel" aria-labelledby="failures-head">
      <h2 id="failures-head">Failures by kind</h2>
      {kinds.length ? (
        <Bars
          mark="failed"
          bars={kinds.map(([kind, count]) => ({
            name: words.kindWords(kind),
            value: count,
            text: count.toLocaleString("en"),
          }))}
        />
      ) : (
        <p class="hint">No job has failed.</p>
      )}
      <h3>Dead letters</h3>
      <p class={found.dead_letters ? "error" : "hint"}>{words.deadSentence(found.dead_letters)}</p>
      {found.dead_letters ? (
        <p class="hint">
          <code>atypia jobs dead</code> lists them, <code>atypia jobs retry --all</code> sends them again;
          each can be retried from the <a href="#/">worklist</a>, too.
        </p>
      ) : null}
    </section>
  );
}

function lastSeen(): string {
  const at = history.value.at(-1)?.at;
  return at ? new Date(at).toLocaleTimeString("en-GB") : "no time";
}
