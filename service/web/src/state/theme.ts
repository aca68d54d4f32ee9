/** Dark as reading rooms are, unless somebody chooses light. */

import { effect, signal } from "@preact/signals";

export type Theme = "dark" | "light";

const NAME = "atypia-theme";

export const theme = signal<Theme>(localStorage.getItem(NAME) === "light" ? "light" : "dark");

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  localStorage.setItem(NAME, theme.value);
});
