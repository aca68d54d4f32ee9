/** Who works: where, on what, with which models, and what is in hand. */

import type { WorkerStatus } from "../api/types";
import { nameOf } from "../state/files";
import { deviceOf } from "./sentences";

export function Workers({ workers }: { workers: readonly WorkerStatus[] }) {
  if (!workers.length) {
    return (
      <p class="hint">
        No worker is alive. A new one needs some seconds to check its models; “atypia worker” starts one by
        hand.
      </p>
    );
  }
  return (
    <table class="status-workers">
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">Device</th>
          <th scope="col">Models</th>
          <th scope="col">Jobs in hand</th>
          <th scope="col">Process</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <tr key={worker.worker_id}>
            <th scope="row">{worker.host}</th>
            <td>{deviceOf(worker)}</td>
            <td>
              {Object.keys(worker.models).map((reference) => (
                <a key={reference} class="model" href={`#/models/${reference}`}>
                  {reference}
                </a>
              ))}
            </td>
            <td>
              <InHand worker={worker} />
            </td>
            <td title={worker.worker_id}>{worker.pid}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function InHand({ worker: { jobs, slots } }: { worker: WorkerStatus }) {
  return (
    <>
      {jobs.length} of {slots}{" "}
      <span class="slots" aria-hidden="true">
        {Array.from({ length: slots }, (_none, slot) => (
          <span key={slot} data-taken={slot < jobs.length} />
        ))}
      </span>
      {jobs.map((jobId) => (
        <a key={jobId} class="model" href={`#/jobs/${jobId}`}>
          {nameOf(jobId)}
        </a>
      ))}
    </>
  );
}
