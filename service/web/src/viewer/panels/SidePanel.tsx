/** The score alone, until the panels that tell its meaning are there. */

import { number } from "../../ui/format";
import type { ViewState } from "../state";

export function SidePanel({ view }: { view: ViewState }) {
  return <p>Score {number(view.result.score)}</p>;
}
