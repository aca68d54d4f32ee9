import { expect, test } from "vitest";
import type { Decision } from "../../api/types";
import { decisionAt } from "./point";

const decision = (operating_point: string, flagged: boolean): Decision => ({
  operating_point,
  false_alarm_rate: 0.05,
  threshold: 1,
  flagged,
});
const result = {
  decisions: [decision("1%", false), decision("5%", true), decision("10%", true)],
  pred_label: true,
};

test("a choice goes before the model's default", () => {
  expect(decisionAt(result, "10%", "5%")?.operating_point).toBe("10%");
  expect(decisionAt(result, null, "5%")?.operating_point).toBe("5%");
});

test("while the default is unknown, the point agrees with the result's label", () => {
  expect(decisionAt(result, null, undefined)?.operating_point).toBe("5%");
});

test("a model without operating points decides nothing", () => {
  expect(decisionAt({ decisions: [], pred_label: null }, null, "5%")).toBeNull();
});
