/** Which operating point decides: one choice for everything that shows the same view. */

import { signal, type Signal } from "@preact/signals";
import type { Decision, Result } from "../../api/types";
import type { ViewState } from "../state";

const choices = new WeakMap<ViewState, Signal<string | null>>();

/** The name chosen for a view; null until somebody chooses, which means the model's own default. */
export function choiceOf(view: ViewState): Signal<string | null> {
  const known = choices.get(view);
  if (known) return known;
  const made = signal<string | null>(null);
  choices.set(view, made);
  return made;
}

/**
 * The decision at the chosen point, at the model's default, or, before the default is known, at the first that
 * decides as the result's label does.
 */
export function decisionAt(
  result: Pick<Result, "decisions" | "pred_label">,
  choice: string | null,
  standard: string | undefined,
): Decision | null {
  const { decisions, pred_label } = result;
  const named = (name: string | null | undefined) => decisions.find((one) => one.operating_point === name);
  return (
    named(choice) ??
    named(standard) ??
    decisions.find((one) => one.flagged === pred_label) ??
    decisions[0] ??
    null
  );
}
