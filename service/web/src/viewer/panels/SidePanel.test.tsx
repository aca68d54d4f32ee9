import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Calibration, Result } from "../../api/types";
import { viewOf } from "../state";
import { SidePanel } from "./SidePanel";
import { SliceStrip } from "./SliceStrip";

const POINTS = [
  { name: "1%", false_alarm_rate: 0.01, threshold: null },
  { name: "5%", false_alarm_rate: 0.05, threshold: 18 },
  { name: "10%", false_alarm_rate: 0.1, threshold: 15 },
];
const CALIBRATION: Calibration = {
  scores: Array.from({ length: 20 }, (_, index) => index),
  map_threshold: 2,
  operating_points: POINTS,
  default_operating_point: "5%",
};

/** 17 of 20 normals lie below 16.5: 85 %, and (1 + 3) / 21 = 0.19. */
const RESULT: Result = {
  job_id: "ab12",
  grid: { shape: [10, 10, 4], axes: [0, 1, 2], flips: [false, false, false] },
  model: "chest@1.0.0",
  bundle_digest: "d",
  variant: "whole",
  score: 16.5,
  percentile: 85,
  p_value: 4 / 21,
  decisions: POINTS.map(({ name, false_alarm_rate, threshold }) => ({
    operating_point: name,
    false_alarm_rate,
    threshold,
    flagged: threshold === null ? null : 16.5 > threshold,
  })),
  pred_label: false,
  slices: [
    { index: 1, score: 16.5, sop_instance_uid: null },
    { index: 2, score: 3, sop_instance_uid: null },
  ],
  findings: [
    {
      box_voxels: [
        [2, 3, 1],
        [4, 5, 2],
      ],
      box_mm: null,
      centroid_voxels: [3.2, 4.1, 1.6],
      centroid_mm: [-12, 3, 40],
      size_voxels: 18,
      size_mm: 36,
      peak: 6,
      mean: 3,
    },
  ],
  warnings: [],
  timings_ms: {},
  links: { archive: "", overlay: "" },
  intended_use: "Research use only.",
};

let root: HTMLElement;

beforeEach(() => {
  root = document.body.appendChild(document.createElement("div"));
  vi.stubGlobal("fetch", (path: string) =>
    Promise.resolve(new Response(JSON.stringify(path.endsWith("/calibration") ? CALIBRATION : []))),
  );
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
});

async function show(result: Result) {
  const view = viewOf(result, 2);
  await act(async () => {
    render(
      <>
        <SidePanel view={view} />
        <SliceStrip view={view} />
      </>,
      root,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  return view;
}

const headline = () => root.querySelector(".decision h2")?.textContent;

test("the decision follows the chosen operating point, in panel and strip", async () => {
  await show(RESULT);
  expect(headline()).toContain("Not flagged");
  expect(root.querySelector(".strip-axis")?.textContent).toContain("above 18 (5 % false alarms)");
  await act(() => root.querySelector<HTMLInputElement>('input[value="10%"]')?.click());
  expect(headline()).toContain("Flagged");
  expect(root.querySelector(".strip-axis")?.textContent).toContain("above 15 (10 % false alarms)");
  await act(() => root.querySelector<HTMLInputElement>('input[value="1%"]')?.click());
  expect(headline()).toContain("Not decided");
});

test("few held-out normals are warned of", async () => {
  await show(RESULT);
  expect(root.querySelector(".cautions")?.textContent).toContain("Only 20 held-out normal images");
});

test("a finding centres the view and is marked as the current one", async () => {
  const view = await show(RESULT);
  view.at.value = [9, 9, 0];
  const finding = root.querySelector<HTMLButtonElement>(".findings button");
  await act(() => finding?.click());
  expect(view.at.value).toEqual([3, 4, 2]);
  expect(finding?.getAttribute("aria-current")).toBe("true");
  expect(finding?.textContent).toContain("36 mm³peak 3.0 × thresholdslice 3 of 4 · R 12, P 3, S 40 mm");
});

test("keys on the strip change the slice alone", async () => {
  const view = await show(RESULT);
  view.at.value = [5, 6, 1];
  const strip = root.querySelector(".strip");
  await act(() => void strip?.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true })));
  expect(view.at.value).toEqual([5, 6, 3]);
  expect(strip?.getAttribute("aria-valuetext")).toBe(
    "Slice 4 of 4: beside what the model looks at, no score",
  );
});

test("a picture has no strip, and a volume cut another way says why", async () => {
  await show({ ...RESULT, slices: [] });
  expect(root.querySelector(".slice-strip")?.textContent).toContain("in another direction");
  await show({ ...RESULT, grid: { ...RESULT.grid, shape: [10, 10, 1] } });
  expect(root.querySelector(".slice-strip")).toBeNull();
});
