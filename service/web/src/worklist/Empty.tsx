/** What somebody sees who has not sent anything yet. */

import { useSignal } from "@preact/signals";
import { Choosers } from "./Choosers";
import { readSample } from "./reading";

export function Empty() {
  const isBusy = useSignal(false);
  function trySample(): void {
    isBusy.value = true;
    void readSample().finally(() => (isBusy.value = false));
  }
  return (
    <section class="empty" aria-labelledby="empty-title">
      <svg
        width="72"
        height="72"
        viewBox="0 0 72 72"
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        aria-hidden="true"
      >
        <rect x="10" y="6" width="52" height="60" rx="6" />
        <path d="M36 15v40M36 22c-5-5-16-3-17 10-1 8-1 14 1 18 6 1 12-3 14-8M36 22c5-5 16-3 17 10 1 8 1 14-1 18-6 1-12-3-14-8" />
        <circle cx="46" cy="38" r="5" class="spot" />
      </svg>
      <h2 id="empty-title">See where an image departs from normal</h2>
      <p class="lead">Drop images anywhere on this page: X-rays, a folder, or a zip of a series.</p>
      <div class="ways">
        <Choosers />
        <button type="button" disabled={isBusy.value} onClick={trySample}>
          Try the sample X-ray
        </button>
      </div>
      <ol>
        <li>
          <b>Drop</b> DICOM, NIfTI, PNG or JPEG. Files go to this service and nowhere else.
        </li>
        <li>
          <b>Wait</b> a few seconds. Each image says how far it is.
        </li>
        <li>
          <b>Read</b> the score, its rank among normal images, and the heatmap that shows where.
        </li>
      </ol>
    </section>
  );
}
