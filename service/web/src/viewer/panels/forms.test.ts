import { expect, test } from "vitest";
import { fileName, formsOf } from "./forms";

test("DICOM forms are offered for what came as DICOM alone", () => {
  const all = { overlay: "", anomaly_map: "", fhir: "", archive: "" };
  expect(formsOf(all).map(({ file }) => file)).toEqual([
    "result.zip",
    "overlay.png",
    "anomaly_map.nii.gz",
    "result.json",
    "fhir.json",
  ]);
  expect(formsOf({ ...all, picture: "", report: "" }).map(({ file }) => file)).toContain("sr.dcm");
});

test("saved files of two jobs do not overwrite each other", () => {
  expect(fileName("6dab9f7fd5397e76", "overlay.png")).toBe("atypia-6dab9f7f-overlay.png");
});
