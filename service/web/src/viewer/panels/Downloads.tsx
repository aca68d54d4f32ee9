/** Taking a result home; how large a form is becomes known when it comes. */

import { useSignal } from "@preact/signals";
import { getForm, save } from "../../api/client";
import type { Result } from "../../api/types";
import { reasonOf } from "../../models/answers";
import { bytes } from "../../ui/format";
import { fileName, formsOf, type Form } from "./forms";

const AT_HAND = 2;

export function Downloads({ result }: { result: Result }) {
  const forms = formsOf(result.links);
  return (
    <section aria-labelledby="downloads-title">
      <h3 id="downloads-title">Download</h3>
      <ul class="downloads">
        {forms.slice(0, AT_HAND).map((form) => (
          <Download key={form.file} jobId={result.job_id} form={form} />
        ))}
      </ul>
      <details class="more-downloads">
        <summary>{forms.length - AT_HAND} single files</summary>
        <ul class="downloads">
          {forms.slice(AT_HAND).map((form) => (
            <Download key={form.file} jobId={result.job_id} form={form} />
          ))}
        </ul>
      </details>
    </section>
  );
}

function Download({ jobId, form }: { jobId: string; form: Form }) {
  const isBusy = useSignal(false);
  const outcome = useSignal("");

  async function take(): Promise<void> {
    isBusy.value = true;
    outcome.value = "";
    try {
      const content = await getForm(jobId, form.file);
      save(new Blob([content]), fileName(jobId, form.file));
      outcome.value = `saved, ${bytes(content.byteLength)}`;
    } catch (error) {
      outcome.value = reasonOf(error);
    }
    isBusy.value = false;
  }

  return (
    <li>
      <button type="button" disabled={isBusy.value} onClick={() => void take()}>
        <b>{form.title}</b>
        <code>{form.file}</code>
        <small>{form.what}</small>
      </button>
      <span class="hint" role="status">
        {isBusy.value ? "fetching…" : outcome.value}
      </span>
    </li>
  );
}
