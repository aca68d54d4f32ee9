/** The frame around every page: where one can go, what the service says of itself, and what it is not for. */

import { lazy, Suspense } from "preact/compat";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import icon from "./icon.svg";
import { route, type Page } from "./route";
import { followJobs, isConnected } from "./state/jobs";
import { theme } from "./state/theme";
import { KeyPrompt } from "./ui/KeyPrompt";
import { Worklist } from "./worklist/Worklist";

const PAGES: Record<Page, ComponentType<{ name: string }>> = {
  worklist: Worklist,
  job: lazy(() => import("./viewer/ViewerPage")),
  models: lazy(() => import("./models/ModelsPage")),
  compare: lazy(() => import("./models/ComparePage")),
  batch: lazy(() => import("./batch/BatchPage")),
  status: lazy(() => import("./status/StatusPage")),
};

const LINKS: [Page, string, string][] = [
  ["worklist", "#/", "Worklist"],
  ["batch", "#/batch", "Batch"],
  ["models", "#/models", "Models"],
  ["compare", "#/compare", "Compare"],
  ["status", "#/status", "Status"],
];

export function App() {
  useEffect(() => {
    const ending = new AbortController();
    void followJobs(ending.signal);
    return () => ending.abort();
  }, []);
  const { page, name } = route.value;
  const Current = PAGES[page];
  return (
    <>
      <a class="skip" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href="#/" aria-label="Atypia, worklist">
          <img src={icon} alt="" width="24" height="24" />
          Atypia
        </a>
        <nav aria-label="Pages">
          {LINKS.map(([target, href, text]) => (
            <a key={target} href={href} aria-current={target === page ? "page" : undefined}>
              {text}
            </a>
          ))}
        </nav>
        <p class="research">Research use only</p>
        <p class="connection" data-connected={isConnected.value} role="status">
          {isConnected.value ? "Live" : "Connecting…"}
        </p>
        <button type="button" class="quiet" onClick={toggleTheme}>
          {theme.value === "dark" ? "Light" : "Dark"}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<p class="loading">Loading…</p>}>
          <Current name={name} />
        </Suspense>
      </main>
      <KeyPrompt />
    </>
  );
}

function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
}

function focusMain(event: Event): void {
  // The address after # is the page's, so that the link itself must not change it.
  event.preventDefault();
  document.getElementById("main")?.focus();
}
