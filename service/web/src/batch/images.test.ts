// @vitest-environment node
// Its blobs can be read; those of jsdom cannot.

import { expect, test } from "vitest";
import { imagesOf } from "./images";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]);

const source = (path: string, content: BlobPart = PNG) => ({ path, file: new Blob([content]) });

async function taken(...sources: { path: string; file: Blob }[]) {
  return imagesOf(sources, new AbortController().signal);
}

test("images are called by their paths, in the order in which people count", async () => {
  const { images } = await taken(source("b/10.png"), source("b/2.png"), source("a/2.png"));
  expect(images.map(({ name }) => name)).toEqual(["a/2.png", "b/2.png", "b/10.png"]);
});

test("a table among the images is their labels and no image", async () => {
  const { images, tables, problems } = await taken(source("a/1.png"), source("a/labels.csv", "path,label"));
  expect([images.length, tables.map(({ path }) => path), problems]).toEqual([1, ["a/labels.csv"], []]);
});

test("what cannot be an image is said by its name", async () => {
  expect((await taken(source("a/notes.doc", "words"))).problems).toEqual([
    "1 file is no image: a/notes.doc.",
  ]);
});
