/** What kind of file some bytes are, told by their content as the service tells it: a name proves nothing. */

import { Gunzip } from "fflate";

export type Kind = "dicom" | "zip" | "gzip" | "nifti" | "png" | "jpeg" | "unknown";

const PREFIXES: [number[], Kind][] = [
  [[0x50, 0x4b, 0x03, 0x04], "zip"],
  [[0x50, 0x4b, 0x05, 0x06], "zip"],
  [[0x1f, 0x8b], "gzip"],
  [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "png"],
  [[0xff, 0xd8, 0xff], "jpeg"],
];
/** A NIfTI header's size, where its magic word lies, and the word of a single file. */
const NIFTI: [number, number, string][] = [
  [348, 344, "n+1\0"],
  [540, 4, "n+2\0"],
];
const DICM = 128;

export function kindOf(head: Uint8Array): Kind {
  // The preamble before it may look like anything (PS3.10 7.1).
  if (wordAt(head, DICM) === "DICM") return "dicom";
  const [, kind] = PREFIXES.find(([prefix]) => prefix.every((byte, place) => head[place] === byte)) ?? [];
  if (kind === "gzip") return isNifti(gunzippedStart(head)) ? "nifti" : "gzip";
  if (kind) return kind;
  if (isNifti(head)) return "nifti";
  return isBareDataset(head) ? "dicom" : "unknown";
}

export function hasPreamble(head: Uint8Array): boolean {
  return wordAt(head, DICM) === "DICM";
}

function isNifti(head: Uint8Array): boolean {
  if (head.length < 348) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const sizes = [view.getInt32(0, true), view.getInt32(0, false)];
  return NIFTI.some(([size, place, magic]) => sizes.includes(size) && wordAt(head, place) === magic);
}

/** A data set without preamble starts with a low element of group 0002 or 0008 of a plausible length. */
function isBareDataset(head: Uint8Array): boolean {
  if (head.length < 16) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return [true, false].some((isLittle) => {
    const group = view.getUint16(0, isLittle);
    if ((group !== 0x0002 && group !== 0x0008) || view.getUint16(2, isLittle) > 0x0100) return false;
    return isExplicit(head) || view.getUint32(4, isLittle) <= 0x0400;
  });
}

/** Whether the first element names its value representation: two capitals. */
export function isExplicit(head: Uint8Array): boolean {
  return /^[A-Z]{2}$/.test(String.fromCharCode(head[4] ?? 0, head[5] ?? 0));
}

function wordAt(head: Uint8Array, place: number): string {
  return String.fromCharCode(...head.subarray(place, place + 4));
}

function gunzippedStart(head: Uint8Array): Uint8Array {
  let start: Uint8Array = new Uint8Array();
  const stream = new Gunzip((piece) => {
    if (start.length === 0) start = piece;
  });
  try {
    stream.push(head, false);
  } catch {
    // A damaged file is of no kind that can be read.
  }
  return start;
}
