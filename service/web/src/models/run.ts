/** One model at work on one image, as the page shows it. */

import { signal, type Signal } from "@preact/signals";
import type { Result } from "../api/types";
import type { SentImage } from "../state/files";
import { reasonOf } from "./answers";
import { isOutOfScope, refusalText, scoreImage } from "./scoring";

export type RunState =
  | { kind: "idle" }
  | { kind: "running"; what: string; progress: number }
  /** The model is not for this image; one may have it scored all the same. */
  | { kind: "asking"; why: string }
  | { kind: "failed"; why: string }
  | { kind: "done"; result: Result };

export class Run {
  readonly state: Signal<RunState> = signal({ kind: "idle" });
  private ending = new AbortController();

  constructor(
    readonly model: string,
    private readonly image: SentImage,
  ) {}

  async start(scope: "enforce" | "warn"): Promise<void> {
    this.state.value = { kind: "running", what: "sending", progress: 0 };
    const { signal: ended } = this.ending;
    try {
      const result = await scoreImage(this.image, {
        model: this.model,
        scope,
        signal: ended,
        onJob: ({ state, progress }) => (this.state.value = { kind: "running", what: state, progress }),
      });
      this.state.value = { kind: "done", result };
    } catch (error) {
      if (ended.aborted) return;
      this.state.value = isOutOfScope(error)
        ? { kind: "asking", why: refusalText(error) }
        : { kind: "failed", why: reasonOf(error) };
    }
  }

  /** Stop looking; what was sent goes on in the service. */
  leave(): void {
    this.ending.abort();
  }
}
