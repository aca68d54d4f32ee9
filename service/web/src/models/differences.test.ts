import { expect, test } from "vitest";
import type { Finding, Triple } from "../api/types";
import { differences, meet, type Opinion } from "./differences";

const box = (first: Triple, last: Triple): Finding => ({
  box_voxels: [first, last],
  box_mm: null,
  centroid_voxels: first,
  centroid_mm: null,
  size_voxels: 1,
  size_mm: null,
  peak: 1,
  mean: 1,
});

function opinion(model: string, flagged: boolean | null, more: Partial<Opinion["result"]> = {}): Opinion {
  return {
    model,
    result: { warnings: [], findings: [], slices: [], ...more },
    decision: { operating_point: "5%", false_alarm_rate: 0.05, threshold: 1, flagged },
  };
}

test("agreement and disagreement name the rate", () => {
  expect(differences(opinion("a", true), opinion("b", true))[0]).toBe(
    "They agree: both flag the image at 5 % false alarms.",
  );
  expect(differences(opinion("a", false), opinion("b", false))[0]).toBe(
    "They agree: neither flags the image at 5 % false alarms.",
  );
  expect(differences(opinion("a", false), opinion("b", true))[0]).toBe(
    "They disagree at 5 % false alarms: b flags the image, a does not.",
  );
});

test("a model that cannot decide does not disagree", () => {
  expect(differences(opinion("a", true), opinion("b", null))[0]).toBe(
    "They cannot be compared at 5 % false alarms: a flags the image, b cannot decide.",
  );
});

test("out of scope goes before what the numbers would decide", () => {
  const stranger = opinion("b", true, { warnings: ["out of scope: modality is CT"] });
  expect(differences(opinion("a", true), stranger)[0]).toBe(
    "The image is out of scope for b: its number says nothing.",
  );
  expect(differences(stranger, stranger)[0]).toContain("out of scope for both");
});

test("findings are compared by where they lie", () => {
  const one = opinion("a", true, { findings: [box([0, 0, 0], [4, 4, 0]), box([20, 0, 0], [24, 4, 0])] });
  const other = opinion("b", true, { findings: [box([4, 4, 0], [9, 9, 0])] });
  expect(differences(one, other)[1]).toBe(
    "a has 2 findings; 1 of them lies where b, which has 1, has one too (their boxes overlap).",
  );
  expect(differences(one, opinion("c", true))[1]).toBe("a has 2 findings, c none.");
  expect(differences(opinion("c", true), opinion("d", true))[1]).toBe("Neither has a finding.");
});

test("boxes that touch in one voxel meet, neighbours do not", () => {
  expect(meet(box([0, 0, 0], [4, 4, 0]), box([4, 4, 0], [9, 9, 9]))).toBe(true);
  expect(meet(box([0, 0, 0], [4, 4, 0]), box([5, 0, 0], [9, 9, 9]))).toBe(false);
});

test("the highest slices of volumes are told as people count", () => {
  const scores = (...values: number[]) =>
    values.map((score, index) => ({ index, score, sop_instance_uid: null }));
  const one = opinion("a", true, { slices: scores(1, 3, 2) });
  expect(differences(one, opinion("b", true, { slices: scores(5, 1, 1) }))[2]).toBe(
    "a scores slice 2 highest, b slice 1.",
  );
  expect(differences(one, one)[2]).toBe("Both score slice 2 highest.");
});
