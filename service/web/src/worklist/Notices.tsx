/** What goes on with the images to be sent, and what was not sent. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isConnected, isLocked } from "../state/jobs";
import { seconds } from "../ui/format";
import { complaints } from "./actions";
import { outbox } from "./outbox";
import type { Pause } from "./queue";
import { looked, notices, stopReading } from "./reading";
import { counted } from "./result-text";

const LATE_MS = 4000;

export function Notices() {
  const pause = outbox.pause.value;
  return (
    <div class="notices">
      {looked.value !== null && (
        <p class="notice" data-kind="work">
          <span role="status">Looking at what was dropped: {counted(looked.value, "file")}</span>
          <button type="button" class="quiet" onClick={stopReading}>
            Stop
          </button>
        </p>
      )}
      {pause && <PauseNotice pause={pause} />}
      {!pause && <AwayNotice />}
      <Sentences list={notices} />
      <Sentences list={complaints} />
    </div>
  );
}

/** Not at once: a connection that is being made, or made again, is no news. */
function AwayNotice() {
  const isLate = useSignal(false);
  useEffect(() => {
    isLate.value = false;
    const timer = setTimeout(() => (isLate.value = true), LATE_MS);
    return () => clearTimeout(timer);
  }, [isConnected.value]);
  if (isConnected.value || isLocked.value || !isLate.value) return null;
  return (
    <p class="notice" role="status">
      The service does not answer; what is shown may be old. This page tries again by itself.
    </p>
  );
}

function Sentences({ list }: { list: { value: readonly string[] } }) {
  if (list.value.length === 0) return null;
  return (
    <div class="notice" role="status">
      <ul>
        {list.value.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <button type="button" class="quiet" onClick={() => (list.value = [])}>
        Dismiss
      </button>
    </div>
  );
}

function PauseNotice({ pause }: { pause: Pause }) {
  const now = useSignal(Date.now());
  useEffect(() => {
    now.value = Date.now();
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, [pause]);
  const left = (pause.until - now.value) / 1000;
  return (
    <p class="notice">
      <span>
        <span role="status">Sending pauses: {pause.reason.replace(/\.?$/, ".")}</span>{" "}
        {Number.isFinite(left) && <span class="soft">It goes on in {seconds(Math.max(0, left))}.</span>}
      </span>
      <button type="button" class="quiet" onClick={() => outbox.resume()}>
        Go on now
      </button>
    </p>
  );
}
