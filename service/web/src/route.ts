/** Where in the page we are, by the address after `#`; links are plain anchors. */

import { signal } from "@preact/signals";

export type Page = "worklist" | "job" | "models" | "compare" | "batch" | "status";

export interface Route {
  page: Page;
  /** A job's id or a model's reference; "" for none. */
  name: string;
}

const PAGES: Record<string, Page> = {
  "": "worklist",
  jobs: "job",
  models: "models",
  compare: "compare",
  batch: "batch",
  status: "status",
};

export function routeOf(hash: string): Route {
  const [, first = "", ...rest] = hash.split("/");
  const page = PAGES[first] ?? "worklist";
  return { page, name: decodeURIComponent(rest.join("/")) };
}

export const route = signal<Route>(routeOf(location.hash));

addEventListener("hashchange", () => {
  route.value = routeOf(location.hash);
});
