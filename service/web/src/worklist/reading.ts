/** What was dropped: its files are looked at, and its images put into the outbox. */

import { signal } from "@preact/signals";
import { getSample, ServiceError } from "../api/client";
import type { Source } from "../intake/gather";
import { takeIn } from "../intake/intake";
import { passedOverSentence, strangersSentence } from "../intake/sentences";
import { choice, outbox } from "./outbox";

/** How many files have been looked at; null while none is. */
export const looked = signal<number | null>(null);

/** What was not sent, and why. */
export const notices = signal<readonly string[]>([]);

let ending = new AbortController();
let last: Promise<void> = Promise.resolve();

/** One drop after the other. */
export function read(sources: AsyncIterable<Source> | Iterable<Source>): Promise<void> {
  const stop = ending.signal;
  last = last.then(() => readNow(sources, stop));
  return last;
}

/** Forget what is still being looked at. */
export function stopReading(): void {
  ending.abort();
  ending = new AbortController();
}

export async function readSample(): Promise<void> {
  try {
    await read([{ path: "Sample chest X-ray", file: await getSample() }]);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    tell([error.message]);
  }
}

async function readNow(sources: AsyncIterable<Source> | Iterable<Source>, stop: AbortSignal): Promise<void> {
  looked.value = 0;
  try {
    const { images, strangers, passedOver, refusals } = await takeIn(
      sources,
      (count) => (looked.value = count),
      stop,
    );
    tell(refusals);
    if (strangers.length > 0) tell([strangersSentence(strangers)]);
    if (passedOver.length > 0) tell([passedOverSentence(passedOver)]);
    outbox.add(images, choice.value);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    looked.value = null;
  }
}

function tell(sentences: readonly string[]): void {
  notices.value = [...notices.value, ...sentences];
}
