/** The keys, as the table that they come from has them, and whether single keys do anything. */

import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SHORTCUTS } from "./keys";

const NAME = "atypia-keys";

/** WCAG 2.1.4: who speaks to the machine, or trembles, can turn single keys off. */
export const areKeysOn = signal(localStorage.getItem(NAME) !== "off");

effect(() => localStorage.setItem(NAME, areKeysOn.value ? "on" : "off"));

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="keys" aria-labelledby="keys-title" onClose={onClose}>
      <div class="keys-head">
        <h2 id="keys-title">Keyboard and mouse</h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      <dl>
        {SHORTCUTS.map(({ caps, text }) => (
          <div key={caps}>
            <dt>
              {caps.split("  ").map((cap) => (
                <kbd key={cap}>{cap}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>This list</dd>
        </div>
      </dl>
      <p class="hint">
        Click: cross hair. Drag: move the image. Right button: window. Wheel: slices of a volume, zoom of a
        picture; with Ctrl, or two fingers: zoom.
      </p>
      <label class="inline">
        <input
          type="checkbox"
          checked={areKeysOn.value}
          onChange={(event) => (areKeysOn.value = event.currentTarget.checked)}
        />
        Single keys work (the toolbar can do everything without them)
      </label>
    </dialog>
  );
}
