/** What grouping needs of a DICOM header, from the first bytes of a file. */

import { parseDicom, type DataSet } from "dicom-parser";
import { Inflate } from "fflate";
import { hasPreamble, isExplicit } from "./kind";

export interface Header {
  /** "" for none. */
  series: string;
  /** Of the series, else of the study; "" for none. */
  description: string;
  hasPosition: boolean;
  frames: number;
  /** A report, a plan or a DICOMDIR has none. */
  hasPixels: boolean;
  isDirectory: boolean;
  /** Whether the head held all of the header that was wanted. */
  isComplete: boolean;
}

const PIXELS = "x7fe00010";
/** Offset of the first directory record (PS3.3 F.3.2.2), which every DICOMDIR has. */
const FIRST_RECORD = "x00041200";
const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";
const BIG_ENDIAN = "1.2.840.10008.1.2.2";

/** Null where it is no DICOM after all. */
export function readHeader(head: Uint8Array): Header | null {
  const set = dataSetOf(head);
  if (!set) return null;
  return {
    series: text(set, "x0020000e"),
    description: text(set, "x0008103e") || text(set, "x00081030"),
    hasPosition: text(set, "x00200032") !== "",
    frames: Number(text(set, "x00280008")) || 1,
    hasPixels: set.elements["x00280010"] !== undefined,
    isDirectory: set.elements[FIRST_RECORD] !== undefined,
    isComplete: set.elements[PIXELS] !== undefined,
  };
}

function dataSetOf(head: Uint8Array): DataSet | null {
  const [bytes, syntax] = framed(head);
  try {
    return parseDicom(bytes, {
      untilTag: PIXELS,
      inflater,
      ...(syntax ? { TransferSyntaxUID: syntax } : {}),
    });
  } catch (error) {
    // The head ends somewhere; what was before that is there.
    return (error as { dataSet?: DataSet } | null)?.dataSet ?? null;
  }
}

/** The bytes as the parser takes them, and the transfer syntax where nothing in them says it. */
function framed(head: Uint8Array): [Uint8Array, string | null] {
  if (hasPreamble(head)) return [head, null];
  if (head[0] === 0x02) {
    const whole = new Uint8Array(132 + head.length);
    whole.set(new TextEncoder().encode("DICM"), 128);
    whole.set(head, 132);
    return [whole, null];
  }
  if (!isExplicit(head)) return [head, IMPLICIT];
  return [head, head[0] === 0 ? BIG_ENDIAN : EXPLICIT];
}

/** What can be inflated of a data set whose end is not there (PS3.5 A.5). */
function inflater(bytes: Uint8Array, position: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const stream = new Inflate((piece) => pieces.push(piece));
  try {
    stream.push(bytes.subarray(position), false);
  } catch {
    // A damaged file: the service will say so.
  }
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}

function text(set: DataSet, tag: string): string {
  try {
    return set.string(tag)?.trim() ?? "";
  } catch {
    return "";
  }
}
