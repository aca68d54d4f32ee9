/** What can be done with rows: which of them allow it, and doing it. */

import { signal } from "@preact/signals";
import { cancelOrRemove, retry, ServiceError } from "../api/client";
import { FINAL, type Job } from "../api/types";
import { note } from "../state/jobs";
import { outbox } from "./outbox";
import type { Choice } from "./queue";
import type { Row, RowState } from "./rows";

/** What went wrong with the last action, in the service's sentences. */
export const complaints = signal<string[]>([]);

const AT_ONCE = 4;
const OUT_OF_SCOPE = new Set(["urn:atypia:problem:out-of-scope", "urn:atypia:problem:no-model-for-image"]);
const TRIED_AGAIN: ReadonlySet<RowState> = new Set<RowState>(["refused", "failed", "cancelled", "expired"]);

/** Refused only because no model is meant for such an image: the same again would be refused again. */
export const isOutOfScope = ({ problem }: Row): boolean => problem !== null && OUT_OF_SCOPE.has(problem.type);
export const canCancel = ({ job, state }: Row): boolean =>
  job ? !FINAL.has(job.state) : state === "waiting" || state === "sending";
export const canRetry = (row: Row): boolean => TRIED_AGAIN.has(row.state) && !isOutOfScope(row);
export const canDelete = ({ job, state }: Row): boolean => job !== null || state === "refused";
/** Its files must still be at hand. */
export const canScoreAnyway = (row: Row): boolean => row.image !== null && isOutOfScope(row);

export function cancel(rows: readonly Row[]): Promise<void> {
  outbox.remove(rows.filter((row) => row.outgoing && canCancel(row)).map(({ id }) => id));
  return each(rows.filter(canCancel), async ({ job_id }) => {
    note(job_id, (await (await cancelOrRemove(job_id)).json()) as Job);
  });
}

export function tryAgain(rows: readonly Row[]): Promise<void> {
  const able = rows.filter(canRetry);
  outbox.again(able.filter(({ outgoing }) => outgoing).map(({ id }) => id));
  return each(able, async ({ job_id, model, priority }, row) => {
    try {
      note(job_id, await retry(job_id));
    } catch (error) {
      // The upload is kept no longer by the service, but may still be in this tab.
      if (!(error instanceof ServiceError && error.problem.status === 410 && row.image)) throw error;
      outbox.add([row.image], { model, priority, scope: "enforce" });
    }
  });
}

export function remove(rows: readonly Row[]): Promise<void> {
  outbox.remove(rows.filter(({ outgoing }) => outgoing).map(({ id }) => id));
  return each(rows, async ({ job_id, state }) => {
    // The first request only cancels what is not over.
    if (!FINAL.has(state)) await cancelOrRemove(job_id);
    await cancelOrRemove(job_id);
    note(job_id, null);
  });
}

/** Score with this model although it is not meant for such images; the results will say so. */
export function scoreAnyway(rows: readonly Row[], model: string): void {
  const able = rows.filter(canScoreAnyway);
  const changes: Partial<Choice> = { model, scope: "warn" };
  outbox.again(
    able.filter(({ outgoing }) => outgoing).map(({ id }) => id),
    changes,
  );
  for (const { job, image } of able) {
    if (job && image) outbox.add([image], { model, scope: "warn", priority: job.priority });
  }
}

/** The jobs among the rows, a few at once; one that is gone already is what was wanted. */
async function each(rows: readonly Row[], act: (job: Job, row: Row) => Promise<void>): Promise<void> {
  const left = rows.filter((row) => row.job !== null);
  const said = new Set<string>();
  const work = async (): Promise<void> => {
    for (let row = left.shift(); row?.job; row = left.shift()) {
      try {
        await act(row.job, row);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (error.problem.status === 404) note(row.job.job_id, null);
        else said.add(`${row.name}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  complaints.value = [...said];
}
