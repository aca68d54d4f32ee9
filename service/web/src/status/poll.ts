/** The service's status, asked for while somebody looks, and how its pace has been meanwhile. */

import { signal } from "@preact/signals";
import { getStatus } from "../api/client";
import type { ServiceStatus } from "../api/types";

const EVERY_MS = 2000;
export const KEPT_MS = 600_000;

export interface Sample {
  /** Milliseconds of the clock. */
  at: number;
  /** Jobs done in the minute before. */
  done: number;
  failed: number;
}

export const status = signal<ServiceStatus | null>(null);
/** Why there is no newer status; "" where there is. */
export const trouble = signal("");
/** Oldest first; a gap is a time when nobody looked. */
export const history = signal<readonly Sample[]>([]);

/** Ask until `ending` says so; nothing is asked while the tab is hidden. */
export async function watchStatus(ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    if (document.hidden) await shown(ending);
    else await look();
    await until(ending, (resolve) => setTimeout(resolve, EVERY_MS));
  }
}

async function look(): Promise<void> {
  try {
    const found = await getStatus();
    const at = Date.now();
    const { done = 0, failed = 0 } = found.ended_last_minute;
    history.value = [...history.value.filter((one) => at - one.at < KEPT_MS), { at, done, failed }];
    status.value = found;
    trouble.value = "";
  } catch (error) {
    trouble.value = error instanceof Error ? error.message : String(error);
  }
}

function shown(ending: AbortSignal): Promise<void> {
  return until(ending, (resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

function until(ending: AbortSignal, wait: (resolve: () => void) => unknown): Promise<void> {
  return new Promise((resolve) => {
    if (ending.aborted) return resolve();
    ending.addEventListener("abort", () => resolve(), { once: true });
    wait(resolve);
  });
}
