/** Takes files, folders and archives that are dropped anywhere in the window, or pasted. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { entriesOf, sourcesOf, walk } from "../intake/gather";
import { read } from "./reading";

export function DropZone() {
  const isOver = useSignal(false);
  useEffect(() => {
    // Each element on the way tells of coming and going; above none of them it is outside of the window.
    let depth = 0;
    const listening = new AbortController();
    const on = <T extends Event>(type: string, react: (event: T) => void) =>
      addEventListener(type, react as EventListener, { signal: listening.signal });
    on<DragEvent>("dragenter", (event) => {
      if (!hasFiles(event)) return;
      depth += 1;
      isOver.value = true;
    });
    on<DragEvent>("dragleave", (event) => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      isOver.value = depth > 0;
    });
    on<DragEvent>("dragover", (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
    on<DragEvent>("drop", (event) => {
      depth = 0;
      isOver.value = false;
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      void read(walk(entriesOf(event.dataTransfer)));
    });
    on<ClipboardEvent>("paste", (event) => {
      const files = event.clipboardData?.files ?? [];
      if (files.length > 0) void read(sourcesOf(files));
    });
    return () => listening.abort();
  }, []);
  if (!isOver.value) return null;
  return (
    <div class="drop-zone">
      <p>
        <b>Drop to score</b>
        X-rays, volumes, folders or a zip
      </p>
    </div>
  );
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
