/** The slice alone, until the strip of scores is there. */

import type { ViewState } from "../state";

export function SliceStrip({ view }: { view: ViewState }) {
  return <p>Slice {view.at.value[2] + 1}</p>;
}
