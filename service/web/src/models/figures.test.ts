import { expect, test } from "vitest";
import { figureName, figuresOf, headlineOf } from "./figures";

test("figures are named as the glossary spells them", () => {
  expect(
    ["image_auroc", "pixel_dice", "image_fpr95", "sensitivity_at_5%", "false_alarm_rate_at_10%"].map(
      figureName,
    ),
  ).toEqual(["image AUROC", "pixel Dice", "image FPR95", "sensitivity at 5 %", "false-alarm rate at 10 %"]);
});

test("the headline is the image AUROC, else whatever is first", () => {
  const metric = { value: 0.9, low: 0.8, high: 0.95 };
  expect(headlineOf({ pixel_dice: metric, image_auroc: metric })?.name).toBe("image AUROC");
  expect(headlineOf({ pixel_dice: metric })?.name).toBe("pixel Dice");
  expect(headlineOf({})).toBeNull();
});

test("a figure that nobody has explained has no hint", () => {
  expect(figuresOf({ novelty: { value: 0.5, low: null, high: null } })).toEqual([
    { name: "novelty", hint: "", value: 0.5, low: null, high: null },
  ]);
});
