import { expect, test } from "vitest";
import { intervals } from "./bootstrap";
import { auprc, auroc, flaggedShare, levelsOf, rocOf, wilson, type Scored } from "./figures";

// Anomalous 3 and 2, normal 2 and 1: of four pairs three are in order and one is tied.
const FOUR: Scored[] = [
  { score: 2, label: 0 },
  { score: 3, label: 1 },
  { score: 1, label: 0 },
  { score: 2, label: 1 },
];

test("AUROC counts a tied pair half: 3.5 of 4 pairs", () => {
  expect(auroc(levelsOf(FOUR))).toBe(0.875);
});

test("AUROC of scores that are the wrong way round is told as it is", () => {
  expect(auroc(levelsOf(FOUR.map(({ score, label }) => ({ score: -score, label }))))).toBe(0.125);
});

test("AUROC without one of the classes is no number", () => {
  expect(auroc(levelsOf(FOUR.filter(({ label }) => label === 0)))).toBeNaN();
});

test("the ROC goes up and to the right at once where scores are tied", () => {
  expect(rocOf(levelsOf(FOUR))).toEqual([
    { threshold: Infinity, falseAlarmRate: 0, sensitivity: 0 },
    { threshold: 3, falseAlarmRate: 0, sensitivity: 0.5 },
    { threshold: 2, falseAlarmRate: 0.5, sensitivity: 1 },
    { threshold: 1, falseAlarmRate: 1, sensitivity: 1 },
  ]);
});

test("the area under the ROC's lines is the AUROC", () => {
  const points = rocOf(levelsOf(FOUR));
  const area = points.slice(1).reduce((total, point, index) => {
    const before = points[index] ?? point;
    return (
      total + ((point.falseAlarmRate - before.falseAlarmRate) * (point.sensitivity + before.sensitivity)) / 2
    );
  }, 0);
  expect(area).toBe(0.875);
});

test("AUPRC is the mean precision at the anomalous images: 1 and 2/3", () => {
  expect(auprc(levelsOf(FOUR))).toBeCloseTo(5 / 6, 12);
});

test("Wilson's interval of 8 of 10 is 0.490 to 0.943", () => {
  const { low, high } = wilson(8, 10);
  expect([low.toFixed(3), high.toFixed(3)]).toEqual(["0.490", "0.943"]);
});

test("Wilson's interval of none of 10 begins at 0 and ends at 0.278", () => {
  const { low, high } = wilson(0, 10);
  expect([low, high.toFixed(3)]).toEqual([0, "0.278"]);
});

test("an image is flagged above the threshold, not at it", () => {
  expect(flaggedShare(FOUR, 1, 2)).toMatchObject({ count: 1, of: 2 });
  expect(flaggedShare(FOUR, 0, 2)).toMatchObject({ count: 0, of: 2 });
});

test("the bootstrap gives the same interval each time, around the figure", async () => {
  const images = Array.from({ length: 60 }, (_none, index) => ({
    score: index % 7 === 0 ? 60 - index : index,
    label: index < 30 ? (0 as const) : (1 as const),
  }));
  const levels = levelsOf(images);
  const { signal } = new AbortController();
  const first = await intervals(levels, signal, 400);
  expect(await intervals(levels, signal, 400)).toEqual(first);
  expect(first.auroc.low).toBeLessThan(auroc(levels));
  expect(first.auroc.high).toBeGreaterThan(auroc(levels));
});

test("the bootstrap of classes that lie apart has nothing to vary", async () => {
  const levels = levelsOf([
    { score: 1, label: 0 },
    { score: 2, label: 0 },
    { score: 3, label: 1 },
  ]);
  expect((await intervals(levels, new AbortController().signal, 50)).auroc).toEqual({ low: 1, high: 1 });
});
