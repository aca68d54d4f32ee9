/** The batch as a table for other programs: CSV, or Parquet with types. */

import type { ColumnSource } from "hyparquet-writer";
import { getResult, ServiceError } from "../api/client";
import { chosenPoint, isFlagged } from "./analysis";
import { toCsv, type Cell } from "./csv";
import { models, rows, type Row } from "./state";

const AT_ONCE = 4;

/** What the list of jobs does not tell. */
export interface Details {
  digest: string;
  warnings: string[];
}

interface Column {
  name: string;
  type: "STRING" | "DOUBLE" | "INT32" | "BOOLEAN";
  of: (row: Row, details: Details | undefined) => Cell;
}

/** Names as in the service's own JSON. */
const COLUMNS: Column[] = [
  { name: "name", type: "STRING", of: ({ name }) => name },
  { name: "gt_label", type: "INT32", of: ({ label }) => label },
  { name: "state", type: "STRING", of: ({ state }) => state },
  { name: "score", type: "DOUBLE", of: ({ job }) => job?.summary?.score ?? null },
  { name: "percentile", type: "DOUBLE", of: ({ job }) => job?.summary?.percentile ?? null },
  { name: "p_value", type: "DOUBLE", of: ({ job }) => job?.summary?.p_value ?? null },
  { name: "pred_label", type: "BOOLEAN", of: (row) => isFlagged(row) },
  { name: "operating_point", type: "STRING", of: (row) => pointOf(row)?.name ?? null },
  { name: "threshold", type: "DOUBLE", of: (row) => pointOf(row)?.threshold ?? null },
  { name: "findings", type: "INT32", of: ({ job }) => job?.summary?.findings ?? null },
  { name: "slices", type: "INT32", of: ({ job }) => job?.summary?.slices ?? null },
  { name: "warnings", type: "STRING", of: (_row, details) => details?.warnings.join(" | ") || null },
  { name: "error", type: "STRING", of: ({ error }) => error || null },
  { name: "model", type: "STRING", of: ({ job }) => job?.model ?? null },
  { name: "bundle_digest", type: "STRING", of: (_row, details) => details?.digest || null },
  { name: "job_id", type: "STRING", of: ({ jobId }) => jobId || null },
];
const INTENDED_USE = "Research use only. Not a medical device; not for diagnosis or patient care.";

const details = new Map<string, Details>();

/** Ask for what the files tell of each image beyond the table; `tell` hears how many are there. */
export async function gather(tell: (done: number, of: number) => void): Promise<void> {
  const digests = new Map(models.value.map(({ model, bundle_digest }) => [model, bundle_digest]));
  const wanted: string[] = [];
  for (const { jobId, job } of rows.value) {
    if (!job?.summary || details.has(jobId)) continue;
    const digest = digests.get(job.model);
    if (digest !== undefined && !job.summary.warnings) details.set(jobId, { digest, warnings: [] });
    else wanted.push(jobId);
  }
  const queue = [...new Set(wanted)];
  const { length: total } = queue;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let jobId = queue.shift(); jobId; jobId = queue.shift()) {
        await read(jobId);
        tell(total - queue.length, total);
      }
    }),
  );
}

export function csvFile(): Blob {
  const cells = rows.value.map((row) => COLUMNS.map(({ of }) => of(row, details.get(row.jobId))));
  return new Blob([toCsv([COLUMNS.map(({ name }) => name), ...cells])], { type: "text/csv;charset=utf-8" });
}

export async function parquetFile(): Promise<Blob> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData: ColumnSource[] = COLUMNS.map(({ name, type, of }) => ({
    name,
    type,
    data: rows.value.map((row) => of(row, details.get(row.jobId))),
  }));
  const content = parquetWriteBuffer({
    columnData,
    kvMetadata: [{ key: "intended_use", value: INTENDED_USE }],
  });
  return new Blob([content], { type: "application/vnd.apache.parquet" });
}

async function read(jobId: string): Promise<void> {
  try {
    const { bundle_digest: digest, warnings } = await getResult(jobId);
    details.set(jobId, { digest, warnings });
  } catch (error) {
    // A result that is gone leaves its cells empty.
    if (!(error instanceof ServiceError)) throw error;
  }
}

function pointOf({ job }: Row) {
  if (!job?.summary) return null;
  const own = models.value.find(({ model }) => model === job.model);
  const name = chosenPoint.value || own?.default_operating_point;
  return own?.operating_points.find((one) => one.name === name) ?? null;
}
