import { expect, test } from "vitest";
import { routeOf } from "./route";

test("an address names a page and what it is of", () => {
  expect(routeOf("#/jobs/ab12")).toEqual({ page: "job", name: "ab12" });
  expect(routeOf("#/models/chest%401.1.0")).toEqual({ page: "models", name: "chest@1.1.0" });
});

test("an unknown address is the worklist", () => {
  expect(routeOf("").page).toBe("worklist");
  expect(routeOf("#/elsewhere").page).toBe("worklist");
});
