/** The API key, for as long as the tab is open and nowhere else. */

import { effect, signal } from "@preact/signals";

const NAME = "atypia-key";

export const key = signal(sessionStorage.getItem(NAME) ?? "");

/** Whether the service has asked for one. */
export const isKeyWanted = signal(false);

effect(() => {
  if (key.value) sessionStorage.setItem(NAME, key.value);
  else sessionStorage.removeItem(NAME);
});
