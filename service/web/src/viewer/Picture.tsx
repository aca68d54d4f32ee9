/** The picture with its tools, its numbers and its keys. */

import { effect, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { areKeysOn, KeysDialog } from "./KeysDialog";
import { shortcutFor } from "./keys";
import { NiivuePane } from "./NiivuePane";
import { showing } from "./place";
import { ReadOut } from "./ReadOut";
import { readingAt } from "./reading";
import { SlicesLayout } from "./SlicesLayout";
import type { Stage } from "./stage";
import { Toolbar } from "./Toolbar";

export function Picture({ stage }: { stage: Stage }) {
  const isHelpOpen = useSignal(false);
  const { view } = stage;

  useEffect(
    () =>
      effect(() => {
        view.reading.value = readingAt(stage.images, view.at.value);
      }),
    [],
  );

  useEffect(
    () =>
      effect(() => {
        const [column, row] = view.at.value;
        const place = stage.place.peek();
        if (place) stage.place.value = showing(place, stage.extent, [column, row], ...stage.size.peek());
      }),
    [],
  );

  useEffect(() => {
    function press(event: KeyboardEvent): void {
      const shortcut = areKeysOn.value || isWordKey(event.key) ? shortcutFor(event) : null;
      const isHelp = event.key === "?" && areKeysOn.value && !event.ctrlKey && !event.metaKey;
      if (isHelp && !(event.target instanceof HTMLElement && event.target.closest("dialog, textarea"))) {
        isHelpOpen.value = true;
      } else if (shortcut) {
        event.preventDefault();
        shortcut.run(stage, event.key, event.shiftKey);
      }
    }
    // Before NiiVue's canvas, which has keys of its own.
    addEventListener("keydown", press, { capture: true });
    return () => removeEventListener("keydown", press, { capture: true });
  }, []);

  return (
    <>
      <Toolbar stage={stage} onHelp={() => (isHelpOpen.value = true)} />
      {view.layout.value === "slices" ? <SlicesLayout stage={stage} /> : <NiivuePane stage={stage} />}
      <ReadOut stage={stage} />
      {isHelpOpen.value && <KeysDialog onClose={() => (isHelpOpen.value = false)} />}
    </>
  );
}

/** Arrows, Page Up and the like are no character keys: nobody speaks them by chance. */
const isWordKey = (key: string): boolean => key.length > 1;
