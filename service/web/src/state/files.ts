/**
 * What this tab has sent: names and files by job. Names may be patients', so that they are in memory alone, and
 * gone with the tab.
 */

import { signal } from "@preact/signals";

export interface SentImage {
  name: string;
  /** Their names are paths as the browser tells them. */
  files: { field: string; file: Blob; name: string }[];
}

export const sent = signal<ReadonlyMap<string, SentImage>>(new Map());

export function remember(jobId: string, image: SentImage): void {
  sent.value = new Map(sent.value).set(jobId, image);
}

/** How a job is called for people: the file's name where it was sent from here, else the start of its id. */
export function nameOf(jobId: string): string {
  return sent.value.get(jobId)?.name ?? jobId.slice(0, 8);
}
