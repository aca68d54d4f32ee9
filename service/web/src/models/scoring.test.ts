import { expect, test } from "vitest";
import { ServiceError } from "../api/client";
import { isOutOfScope, refusalText } from "./scoring";

const refused = (type: string, detail: string) => new ServiceError({ type, title: "", status: 422, detail });

test("only a refusal for scope may be overruled", () => {
  expect(isOutOfScope(refused("urn:atypia:problem:out-of-scope", "x"))).toBe(true);
  expect(isOutOfScope(refused("urn:atypia:problem:unreadable-image", "x"))).toBe(false);
  expect(isOutOfScope(new Error("x"))).toBe(false);
});

test("a refusal is told without the words of the API", () => {
  const detail =
    "out of scope for chest@1: modality is CT, the model is for CR; scope=warn scores it all the same";
  expect(refusalText(refused("", detail))).toBe(
    "Out of scope for chest@1: modality is CT, the model is for CR.",
  );
});
