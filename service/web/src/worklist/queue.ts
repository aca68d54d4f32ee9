/** Images on their way to the service: a few at once, and none while it asks for a pause. */

import { batch, signal, type Signal } from "@preact/signals";
import { ServiceError, type SubmitOptions } from "../api/client";
import type { Job, Problem } from "../api/types";
import type { SentImage } from "../state/files";

export type Choice = Required<Pick<SubmitOptions, "scope" | "priority">> & { model: string };

export interface Outgoing {
  id: string;
  image: SentImage;
  bytes: number;
  choice: Choice;
  stage: "waiting" | "sending" | "refused";
  /** Why it was refused. */
  problem: Problem | null;
  /** The share that has been sent, 0 to 1. */
  progress: Signal<number>;
  added_at: string;
}

export interface Pause {
  /** The service's own sentence. */
  reason: string;
  /** Milliseconds since 1970; Infinity for until somebody lets it go on. */
  until: number;
}

/** Sends one image. */
export type Send = (item: Outgoing, signal: AbortSignal) => Promise<Job>;

/** What the service refuses only for now. */
export class LaterError extends ServiceError {
  constructor(
    problem: Problem,
    /** Infinity for until somebody lets it go on. */
    readonly retryAfter_s: number,
  ) {
    super(problem);
  }
}

const AT_ONCE = 3;
/** Hundreds of small images would redraw the list without end. */
const TOGETHER_MS = 100;

export class SendQueue {
  readonly items = signal<ReadonlyMap<string, Outgoing>>(new Map());
  readonly pause = signal<Pause | null>(null);

  private readonly all = new Map<string, Outgoing>();
  private readonly sending = new Map<string, AbortController>();
  private accepted: [Job, SentImage][] = [];
  private added = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pauseTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly send: Send,
    /** Takes over the jobs that the images became, in the moment in which these leave the queue. */
    private readonly take: (accepted: [Job, SentImage][]) => void,
  ) {}

  add(images: readonly SentImage[], choice: Choice): void {
    for (const image of images) {
      this.added += 1;
      const id = `sending-${this.added}`;
      this.all.set(id, {
        id,
        image,
        bytes: image.files.reduce((sum, { file }) => sum + file.size, 0),
        choice,
        stage: "waiting",
        problem: null,
        progress: signal(0),
        added_at: new Date().toISOString(),
      });
    }
    this.pump();
    this.publish();
  }

  /** Send refused images once more, with another choice where one is given. */
  again(ids: Iterable<string>, choice?: Partial<Choice>): void {
    for (const id of ids) {
      const item = this.all.get(id);
      if (item?.stage !== "refused") continue;
      this.change(item, { stage: "waiting", problem: null, choice: { ...item.choice, ...choice } });
    }
    this.pump();
    this.publish();
  }

  /** Take images back, also in the middle of being sent. */
  remove(ids: Iterable<string>): void {
    for (const id of ids) {
      this.sending.get(id)?.abort();
      this.all.delete(id);
    }
    this.pump();
    this.publish();
  }

  /** End a pause before its time. */
  resume(): void {
    clearTimeout(this.pauseTimer);
    this.pause.value = null;
    this.pump();
    this.publish();
  }

  private pump(): void {
    if (this.pause.value || this.sending.size >= AT_ONCE) return;
    for (const item of this.all.values()) {
      if (this.sending.size >= AT_ONCE) return;
      // One that was taken back may still be ending.
      if (item.stage === "waiting" && !this.sending.has(item.id)) void this.run(item);
    }
  }

  private async run(item: Outgoing): Promise<void> {
    const { id } = item;
    const ending = new AbortController();
    this.sending.set(id, ending);
    this.change(item, { stage: "sending" });
    try {
      const job = await this.send(item, ending.signal);
      this.all.delete(id);
      this.accepted.push([job, item.image]);
    } catch (error) {
      if (!ending.signal.aborted) this.refuse(id, error);
    }
    this.sending.delete(id);
    this.pump();
    this.timer ??= setTimeout(() => this.publish(), TOGETHER_MS);
  }

  private refuse(id: string, error: unknown): void {
    const item = this.all.get(id);
    if (!item) return;
    item.progress.value = 0;
    if (!(error instanceof ServiceError)) throw error;
    if (error instanceof LaterError) {
      this.change(item, { stage: "waiting" });
      this.wait(error.message, error.retryAfter_s);
    } else {
      this.change(item, { stage: "refused", problem: error.problem });
    }
  }

  private wait(reason: string, seconds: number): void {
    const until = Date.now() + 1000 * seconds;
    // Several are refused at once; the longest pause counts.
    if (this.pause.value && this.pause.value.until >= until) return;
    clearTimeout(this.pauseTimer);
    this.pause.value = { reason, until };
    if (seconds < Infinity) this.pauseTimer = setTimeout(() => this.resume(), 1000 * seconds);
  }

  private change(item: Outgoing, changes: Partial<Outgoing>): void {
    this.all.set(item.id, { ...item, ...changes });
  }

  private publish(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { accepted } = this;
    this.accepted = [];
    batch(() => {
      if (accepted.length > 0) this.take(accepted);
      this.items.value = new Map(this.all);
    });
  }
}
