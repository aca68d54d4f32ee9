import { expect, test } from "vitest";
import { pairOf, shortNames } from "./pair";

const models = [{ model: "a@1" }, { model: "b@1" }, { model: "c@1" }];

test("a job's own model is compared with another", () => {
  expect(pairOf(models, "b@1")).toEqual(["b@1", "a@1"]);
  expect(pairOf(models, "a@1")).toEqual(["a@1", "b@1"]);
});

test("without a job, or with one of a model that is gone, the first two are", () => {
  expect(pairOf(models, "")).toEqual(["a@1", "b@1"]);
  expect(pairOf(models, "z@9")).toEqual(["a@1", "b@1"]);
});

test("versions are named where the models are of one name", () => {
  expect(shortNames(["a@1.0.0", "b@1.1.0"])).toEqual(["a", "b"]);
  expect(shortNames(["a@1.0.0", "a@1.1.0"])).toEqual(["a@1.0.0", "a@1.1.0"]);
});
