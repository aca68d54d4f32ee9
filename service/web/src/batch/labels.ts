/** Labels from a table, each laid to the image that it is of; what does not fit is said in sentences. */

import { parseCsv } from "./csv";

/** 0 normal, 1 anomalous. */
export type Label = 0 | 1;

export interface Labelling {
  /** By the image's name; those without a label are not in it. */
  labels: ReadonlyMap<string, Label>;
  /** Rows of the table that name an image, without the header. */
  rows: number;
  /** What is wrong with the table, each with the remedy. */
  problems: string[];
}

const NAMES = new Set([
  "path",
  "name",
  "file",
  "filename",
  "file_name",
  "filepath",
  "image",
  "image_name",
  "id",
]);
const LABELS = new Set(["label", "gt_label", "class", "target", "y", "anomalous", "is_anomalous", "truth"]);
const WORDS: Record<string, Label> = {
  "0": 0,
  "0.0": 0,
  normal: 0,
  false: 0,
  no: 0,
  "1": 1,
  "1.0": 1,
  anomalous: 1,
  anomaly: 1,
  abnormal: 1,
  true: 1,
  yes: 1,
};
/** So many examples are named in a sentence. */
const SHOWN = 3;

interface Row {
  /** As a spreadsheet counts them, the header too. */
  place: number;
  name: string;
  label: string;
}

/** Lay a table's labels to images of these names. */
export function labelImages(text: string, images: readonly string[]): Labelling {
  const { rows, problem } = readRows(text);
  if (problem) return { labels: new Map(), rows: 0, problems: [problem] };
  const found = new ImageNames(images);
  const problems = new Problems();
  const labels = new Map<string, Label>();
  const disputed = new Set<string>();
  for (const row of rows) {
    const matches = found.of(row.name);
    const [image] = matches;
    const label = WORDS[row.label.trim().toLowerCase()];
    if (image === undefined) problems.unmatched.push(row);
    else if (matches.length > 1) problems.ambiguous.push(row);
    else if (row.label.trim() === "") continue;
    else if (label === undefined) problems.unknown.push(row);
    else if (labels.has(image) && labels.get(image) !== label) disputed.add(image);
    else labels.set(image, label);
  }
  // Of two labels that contradict each other neither is believed.
  disputed.forEach((image) => labels.delete(image));
  return { labels, rows: rows.length, problems: problems.sentences([...disputed], rows.length) };
}

function readRows(text: string): { rows: Row[]; problem: string } {
  const cells = parseCsv(text);
  const [first = []] = cells;
  if (!cells.length) return { rows: [], problem: "The labels file is empty." };
  if (first.length < 2) {
    return {
      rows: [],
      problem:
        "The labels file has one column. It needs two, separated by a comma, a semicolon or a tab: path,label.",
    };
  }
  const header = first.map((cell) => cell.trim().toLowerCase().replaceAll(" ", "_"));
  const nameAt = header.findIndex((cell) => NAMES.has(cell));
  const labelAt = header.findIndex((cell, index) => LABELS.has(cell) && index !== nameAt);
  const hasHeader = nameAt >= 0 || labelAt >= 0;
  if (hasHeader && (nameAt < 0 || labelAt < 0)) {
    const missing = nameAt < 0 ? "the images’ names (path, name, file or image)" : "labels (label)";
    return {
      rows: [],
      problem: `No column of the labels file is headed as that of ${missing}; its columns are ${first.join(", ")}.`,
    };
  }
  const rows = cells.map((row, index) => ({
    place: index + 1,
    name: row[hasHeader ? nameAt : 0] ?? "",
    label: row[hasHeader ? labelAt : 1] ?? "",
  }));
  return { rows: hasHeader ? rows.slice(1) : rows, problem: "" };
}

/** Finds images by path: one of two paths must end with the other, where folders are told at all. */
class ImageNames {
  private readonly byEnding = new Map<string, string[]>();
  private readonly whole = new Map<string, string[]>();

  constructor(images: readonly string[]) {
    for (const image of images) {
      const path = plain(image);
      for (const form of new Set([path, withoutExtension(path)])) {
        endings(form).forEach((ending) => add(this.byEnding, ending, image));
        // The chosen folder's own name is often left out of a table.
        endings(form)
          .slice(0, 2)
          .forEach((ending) => add(this.whole, ending, image));
      }
    }
  }

  of(name: string): string[] {
    const path = plain(name);
    const found = this.byEnding.get(path);
    if (found) return found;
    for (const form of [path, withoutExtension(path)]) {
      for (const ending of endings(form)) {
        const images = this.whole.get(ending);
        if (images) return images;
      }
    }
    return this.byEnding.get(withoutExtension(path)) ?? [];
  }
}

function add(index: Map<string, string[]>, key: string, image: string): void {
  const found = index.get(key);
  if (found) found.push(image);
  else index.set(key, [image]);
}

function plain(path: string): string {
  return path
    .trim()
    .normalize("NFC")
    .toLowerCase()
    .replaceAll("\\", "/")
    .replace(/^(\.?\/)+/, "");
}

/** A number after the last dot is part of a UID, not an extension. */
function withoutExtension(path: string): string {
  return path.replace(/(\.nii)?\.[a-z][a-z0-9]{0,4}$/, "");
}

function endings(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_part, index) => parts.slice(index).join("/"));
}

class Problems {
  readonly unmatched: Row[] = [];
  readonly ambiguous: Row[] = [];
  readonly unknown: Row[] = [];

  sentences(disputed: string[], rows: number): string[] {
    const said: string[] = [];
    if (this.unmatched.length && this.unmatched.length === rows) {
      said.push(
        `No row of the labels file names one of these images; it has names such as ${named(this.unmatched)}.`,
      );
    } else if (this.unmatched.length) {
      said.push(`${rowsName(this.unmatched)} no image that is here: ${named(this.unmatched)}.`);
    }
    if (this.ambiguous.length) {
      said.push(
        `${rowsName(this.ambiguous)} several images; write more of the path: ${named(this.ambiguous)}.`,
      );
    }
    if (this.unknown.length) {
      const words = [...new Set(this.unknown.map(({ label }) => `“${label.trim()}”`))];
      const places = this.unknown.slice(0, SHOWN).map(({ place }) => place);
      said.push(
        `A label must be 0 (normal) or 1 (anomalous); ${listed(words)} ${words.length === 1 ? "is" : "are"} neither ` +
          `(row ${places.join(", ")}${this.unknown.length > SHOWN ? ", …" : ""}).`,
      );
    }
    if (disputed.length) {
      const images = disputed.map((name) => `“${name}”`);
      said.push(
        `${disputed.length === 1 ? "One image has" : `${disputed.length} images have`} two labels that contradict ` +
          `each other and count${disputed.length === 1 ? "s" : ""} as unlabelled: ${listed(images)}.`,
      );
    }
    return said;
  }
}

function rowsName(rows: Row[]): string {
  return rows.length === 1
    ? "One row of the labels file names"
    : `${rows.length} rows of the labels file name`;
}

function named(rows: Row[]): string {
  return listed(rows.map(({ name }) => `“${name}”`));
}

function listed(words: string[]): string {
  const shown = words.slice(0, SHOWN).join(", ");
  return words.length > SHOWN ? `${shown} and ${words.length - SHOWN} more` : shown;
}
