/** Server-sent events by fetch: an EventSource could not send a key. */

import { ask } from "./client";

export interface ServerEvent {
  event: string;
  data: string;
}

/** Cuts a stream of text into events (HTML Living Standard 9.2.6); comments are heartbeats. */
export class EventParser {
  private rest = "";

  feed(text: string): ServerEvent[] {
    const blocks = (this.rest + text).replace(/\r\n?/g, "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const found: ServerEvent = { event: "message", data: "" };
      const lines: string[] = [];
      for (const line of block.split("\n")) {
        const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (name === "event") found.event = value;
        if (name === "data") lines.push(value);
      }
      found.data = lines.join("\n");
      return lines.length ? [found] : [];
    });
  }
}

/** Follow a stream until it ends, or until `signal` says so. */
export async function follow(
  path: string,
  signal: AbortSignal,
  on: { open: () => void; event: (event: ServerEvent) => void },
): Promise<void> {
  const response = await ask(path, { signal, headers: { Accept: "text/event-stream" } });
  on.open();
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.feed(value).forEach(on.event);
  }
}
