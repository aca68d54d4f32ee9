/** Which jobs have ended since the last time, in one sentence for a screen reader. */

import { FINAL, type Job } from "../api/types";
import { counted, decisionOf, resultText, STATE_WORDS } from "./result-text";

export class Announcements {
  /** Jobs that were seen before they ended: what was over from the start is no news. */
  private readonly open = new Set<string>();
  private ended: Job[] = [];

  watch(jobs: ReadonlyMap<string, Job>): void {
    for (const job of jobs.values()) {
      if (!FINAL.has(job.state)) this.open.add(job.job_id);
      else if (this.open.delete(job.job_id)) this.ended.push(job);
    }
  }

  /** "" if nothing has ended; what was told is not told again. */
  tell(nameOf: (jobId: string) => string): string {
    const [first, ...others] = this.ended;
    const all = this.ended;
    this.ended = [];
    if (!first) return "";
    if (others.length === 0) return `${nameOf(first.job_id)}: ${sentenceOf(first)}.`;
    const done = all.filter(({ state }) => state === "done");
    const flagged = done.filter(({ summary }) => summary && decisionOf(summary) === "flagged").length;
    const rest = all.length - done.length;
    const parts = [`${counted(done.length, "job")} done, ${flagged} flagged`];
    if (rest > 0) parts.push(`${rest} not scored`);
    return `${parts.join(", ")}.`;
  }
}

function sentenceOf({ state, summary, error }: Job): string {
  const word = STATE_WORDS[state].toLowerCase();
  if (summary) {
    const { label, percentile } = resultText(summary);
    return `${word}, ${label.toLowerCase()}, ${percentile}`;
  }
  return error ? `${word}, ${error.detail}` : word;
}
