/** Asks for an API key when the service does. */

import { useEffect, useRef } from "preact/hooks";
import { isKeyWanted, key } from "../state/key";

export function KeyPrompt() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isKeyWanted.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isKeyWanted.value]);

  function take(event: SubmitEvent): void {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    key.value = new FormData(form).get("key")?.toString().trim() ?? "";
    form.reset();
    isKeyWanted.value = false;
  }

  function closed(): void {
    // Told late: the service may have refused the key meanwhile, and the dialog be open for another.
    if (!dialog.current?.open) isKeyWanted.value = false;
  }

  return (
    <dialog ref={dialog} aria-labelledby="key-title" onClose={closed}>
      <form onSubmit={take}>
        <h2 id="key-title">This service asks who you are</h2>
        {key.value && (
          <p class="error" role="alert">
            The service did not accept the key that was given.
          </p>
        )}
        <label>
          API key
          <input name="key" type="password" autocomplete="off" required />
        </label>
        <p class="hint">It stays in this tab. Whoever runs the service makes one with “atypia keys add”.</p>
        <button type="submit">Continue</button>
      </form>
    </dialog>
  );
}
