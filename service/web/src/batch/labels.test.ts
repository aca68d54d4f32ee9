import { expect, test } from "vitest";
import { labelImages } from "./labels";

const labelsOf = (text: string, images: string[]) => Object.fromEntries(labelImages(text, images).labels);

test("labels are laid to images by their whole path", () => {
  expect(labelsOf("path,label\ntop/a/1.png,0\ntop/b/1.png,1", ["top/a/1.png", "top/b/1.png"])).toEqual({
    "top/a/1.png": 0,
    "top/b/1.png": 1,
  });
});

test.each([
  ["without the chosen folder", "a/1.png"],
  ["by the end of a longer path", "C:\\data\\a\\1.png"],
  ["by the name alone", "1.png"],
  ["without the extension", "1"],
  ["with another extension", "a/1.dcm"],
  ["in other letters", "A/1.PNG"],
])("an image is found %s", (_how, name) => {
  expect(labelsOf(`name,label\n${name},1`, ["top/a/1.png"])).toEqual({ "top/a/1.png": 1 });
});

test("an image in another folder is another image", () => {
  expect(labelImages("path,label\ndata/b/1.png,1", ["top/a/1.png"]).problems).toEqual([
    "No row of the labels file names one of these images; it has names such as “data/b/1.png”.",
  ]);
});

test("a UID's last number is no extension", () => {
  expect(labelsOf("file,label\n1.2.4,1", ["1.2.3"])).toEqual({});
});

test.each(["path", "name", "file", "filename", "image"])(
  "the names may be headed %s, in any column",
  (header) => {
    expect(labelsOf(`Label;age;${header}\nAnomalous;61;1.png\nnormal;40;2.png`, ["1.png", "2.png"])).toEqual({
      "1.png": 1,
      "2.png": 0,
    });
  },
);

test("without a header the first column is the name and the second the label", () => {
  expect(labelsOf("1.png\t1\n2.png\t0", ["1.png", "2.png"])).toEqual({ "1.png": 1, "2.png": 0 });
});

test("an empty label is none, and no mistake", () => {
  expect(labelImages("path,label\n1.png,\n2.png,0", ["1.png", "2.png"])).toEqual({
    labels: new Map([["2.png", 0]]),
    rows: 2,
    problems: [],
  });
});

test("a name that fits several images is not guessed", () => {
  const { labels, problems } = labelImages("path,label\n1.png,1\na/2.png,0", [
    "a/1.png",
    "b/1.png",
    "a/2.png",
  ]);
  expect([...labels]).toEqual([["a/2.png", 0]]);
  expect(problems).toEqual([
    "One row of the labels file names several images; write more of the path: “1.png”.",
  ]);
});

test("labels that contradict each other are both left out", () => {
  const { labels, problems } = labelImages("path,label\n1.png,1\n1.png,0\n1.png,0\n2.png,0\n2.png,0", [
    "1.png",
    "2.png",
  ]);
  expect([...labels]).toEqual([["2.png", 0]]);
  expect(problems).toEqual([
    "One image has two labels that contradict each other and counts as unlabelled: “1.png”.",
  ]);
});

test("unknown names and labels are said with examples", () => {
  const text = "path,label\n1.png,maybe\n2.png,1\nx.png,0\ny.png,0\nz.png,0\nw.png,0";
  expect(labelImages(text, ["1.png", "2.png"]).problems).toEqual([
    "4 rows of the labels file name no image that is here: “x.png”, “y.png”, “z.png” and 1 more.",
    "A label must be 0 (normal) or 1 (anomalous); “maybe” is neither (row 2).",
  ]);
});

test.each([
  ["", "The labels file is empty."],
  [
    "name\n1.png",
    "The labels file has one column. It needs two, separated by a comma, a semicolon or a tab: path,label.",
  ],
  [
    "path,age\n1.png,7",
    "No column of the labels file is headed as that of labels (label); its columns are path, age.",
  ],
])("a table without names or labels says what it lacks: %j", (text, sentence) => {
  expect(labelImages(text, ["1.png"]).problems).toEqual([sentence]);
});
