/** The page's one queue of images to send; it goes on while other pages are looked at. */

import { effect, signal } from "@preact/signals";
import { remember } from "../state/files";
import { note, settle } from "../state/jobs";
import { key } from "../state/key";
import { SendQueue, type Choice } from "./queue";
import { upload } from "./upload";

/** What was chosen for the images to come; model "" lets the service choose. */
export const choice = signal<Choice>({ model: "", scope: "enforce", priority: "normal" });

export const outbox = new SendQueue(upload, (accepted) => {
  for (const [job, image] of accepted) {
    remember(job.job_id, image);
    note(job.job_id, job);
  }
  settle();
});

effect(() => {
  // A pause without end waits for a key.
  if (key.value && outbox.pause.peek()?.until === Infinity) outbox.resume();
});

addEventListener("beforeunload", (event) => {
  // What has not been sent would be gone with the tab; the browser asks in its own words.
  if ([...outbox.items.value.values()].some(({ stage }) => stage !== "refused")) event.preventDefault();
});
