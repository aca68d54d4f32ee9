// @vitest-environment node
// Its blobs can be read; those of jsdom cannot.

import { gzipSync, zipSync } from "fflate";
import { expect, test } from "vitest";
import { unpack } from "./archive";
import { breathing } from "./breath";
import { readHeader } from "./dicom-header";
import { takeIn } from "./intake";
import { kindOf } from "./kind";
import { dicomFile, element, PIXELS, position, ROWS, series, sliceOf, xrayOf } from "./made-dicom";
import { listed, strangersSentence } from "./sentences";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]);
const TEXT = new TextEncoder().encode("no image");

const read = (files: Record<string, Uint8Array<ArrayBuffer>>) =>
  takeIn(
    Object.entries(files).map(([path, content]) => ({ path, file: new Blob([content]) })),
    () => undefined,
    new AbortController().signal,
  );

const named = async (files: Record<string, Uint8Array<ArrayBuffer>>) =>
  (await read(files)).images.map(({ name, files }) => [name, files.length]);

function nifti(): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(352);
  new DataView(header.buffer).setInt32(0, 348, true);
  header.set(new TextEncoder().encode("n+1"), 344);
  return header;
}

test("slices of one series are one image, called by their folder", async () => {
  const files = { "ct/1": sliceOf("1.2", 0), "ct/2": sliceOf("1.2", 5), "ct/3": sliceOf("1.2", 10) };
  expect(await named(files)).toEqual([["ct", 3]]);
});

test("two series in one folder are two images", async () => {
  const files = { "ct/1": sliceOf("1.2", 0), "ct/2": sliceOf("1.3", 0), "ct/3": sliceOf("1.2", 5) };
  expect(await named(files)).toEqual([
    ["ct", 2],
    ["2", 1],
  ]);
});

test("X-rays of one series have no positions and are an image each", async () => {
  expect(await named({ "a.dcm": xrayOf("1.2"), "b.dcm": xrayOf("1.2") })).toEqual([
    ["a.dcm", 1],
    ["b.dcm", 1],
  ]);
});

test("an instance of many frames is an image by itself", async () => {
  const cine = dicomFile([series("1.2"), position(0), [0x0028, 0x0008, "IS", "30"], ROWS, PIXELS]);
  expect(await named({ "a.dcm": cine, "b.dcm": cine })).toEqual([
    ["a.dcm", 1],
    ["b.dcm", 1],
  ]);
});

test("a series is called by its description too", async () => {
  const slice = (z: number) =>
    dicomFile([[0x0008, 0x103e, "LO", "T1 axial"], series("1.2"), position(z), ROWS, PIXELS]);
  expect(await named({ "mr/1": slice(0), "mr/2": slice(3) })).toEqual([["mr · T1 axial", 2]]);
});

test("names prove nothing: a DICOM file called a picture is one, a text called DICOM is none", async () => {
  const { images, strangers } = await read({ "a.png": xrayOf("1.2"), "b.dcm": TEXT });
  expect([images.map(({ name }) => name), strangers]).toEqual([["a.png"], ["b.dcm"]]);
});

test("a report has no pixels and is no image; a directory and a system's files are not even told", async () => {
  const { images, strangers } = await read({
    "report.dcm": dicomFile([series("1.2")]),
    directory: dicomFile([[0x0004, 0x1200, "US", "1"]]),
    DICOMDIR: TEXT,
    "__MACOSX/a.png": PNG,
    "in/.DS_Store": TEXT,
    "Thumbs.db": TEXT,
  });
  expect([images, strangers]).toEqual([[], ["report.dcm"]]);
});

test("the files of an archive are grouped as those of a folder, without previews beside DICOM", async () => {
  const archive = zipSync({ s: { "1": sliceOf("1.2", 0), "2": sliceOf("1.2", 5), "preview.png": PNG } });
  const { images, passedOver } = await read({ "ct.zip": archive });
  expect(images.map(({ name, files }) => [name, files.length])).toEqual([["s", 2]]);
  expect(images[0]?.files.map(({ file }) => file.size)).toEqual([214, 214]);
  expect(passedOver).toEqual(["ct.zip/s/preview.png"]);
});

test("an archive of pictures is an image each, packed or stored", async () => {
  const archive = zipSync({ "a.png": PNG, "b.png": [PNG, { level: 0 }] });
  expect(await named({ "all.zip": archive })).toEqual([
    ["a.png", 1],
    ["b.png", 1],
  ]);
});

test("a damaged archive is refused in one sentence", async () => {
  const archive = zipSync({ "a.png": PNG });
  const { images, refusals } = await read({ "all.zip": archive.slice(0, -4) });
  expect([images, refusals]).toEqual([[], ["all.zip is damaged or incomplete; copy it again."]]);
});

test("an archive of too much is refused before it is unpacked", async () => {
  const unpacked = (files: number, bytes: number) => {
    const archive = { path: "all.zip", file: new Blob([zipSync({ "a.png": PNG, "b.png": PNG })]) };
    return unpack(archive, breathing(), { files, bytes }).next();
  };
  await expect(unpacked(1, 100)).rejects.toThrow("all.zip holds 2 files, over 1; drop one study at a time.");
  await expect(unpacked(2, 17)).rejects.toThrow(
    "all.zip unpacks to 18 B, over 17 B; drop the unpacked folder",
  );
  expect((await unpacked(2, 18)).value?.path).toBe("all.zip/a.png");
});

test("a volume is known through gzip, half of a pair is not one", () => {
  expect(kindOf(nifti())).toBe("nifti");
  expect(kindOf(gzipSync(nifti()))).toBe("nifti");
  expect(kindOf(gzipSync(TEXT))).toBe("gzip");
  const half = nifti();
  half.set(new TextEncoder().encode("ni1"), 344);
  expect(kindOf(half)).toBe("unknown");
});

test("a data set without preamble is DICOM, and its header is read", () => {
  const bare = new Uint8Array(
    [[0x0008, 0x0060, "LO", "CT"] as const, series("1.2"), position(7), ROWS].flatMap((one) =>
      element([...one]),
    ),
  );
  expect(kindOf(bare)).toBe("dicom");
  expect(readHeader(bare)).toMatchObject({ series: "1.2", hasPosition: true, hasPixels: true, frames: 1 });
});

test("a header that is cut off tells what was before", () => {
  const cut = dicomFile([series("1.2"), ROWS, [0x0040, 0x0555, "LO", "x".repeat(200)]]).slice(0, -100);
  expect(readHeader(cut)).toMatchObject({ series: "1.2", hasPixels: true, isComplete: false });
});

test("what is no image is told in one sentence", () => {
  expect(strangersSentence(["a.txt"])).toBe("1 file is no image: a.txt.");
  expect(strangersSentence(["a.txt", "b.pdf", "c"])).toBe("3 files are no images: a.txt, b.pdf and c.");
  expect(listed(["1", "2", "3", "4", "5", "6", "7", "8"])).toBe("1, 2, 3, 4, 5, 6 and 2 more");
});
