/** Tiny DICOM files for tests, made by hand: explicit VR, little endian. */

export type Element = [
  group: number,
  element: number,
  vr: "UI" | "DS" | "IS" | "LO" | "US" | "OW",
  value: string,
];

export function element([group, number, vr, value]: Element): number[] {
  const text = vr === "US" ? [Number(value), 0] : [...value].map((letter) => letter.charCodeAt(0));
  // PS3.5 7.1.1: values have an even length; UIDs are filled up with a zero, other text with a space.
  if (text.length % 2 === 1) text.push(vr === "UI" ? 0 : 0x20);
  const tag = [group & 0xff, group >> 8, number & 0xff, number >> 8];
  const letters = [vr.charCodeAt(0), vr.charCodeAt(1)];
  const length = [text.length & 0xff, text.length >> 8];
  return [...tag, ...letters, ...(vr === "OW" ? [0, 0, ...length, 0, 0] : length), ...text];
}

const SYNTAX: Element = [0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1"];

/** With preamble and meta header. */
export function dicomFile(elements: Element[]): Uint8Array<ArrayBuffer> {
  const meta = element(SYNTAX);
  const dicm = [0x44, 0x49, 0x43, 0x4d];
  return new Uint8Array([...Array<number>(128).fill(0), ...dicm, ...meta, ...elements.flatMap(element)]);
}

export const ROWS: Element = [0x0028, 0x0010, "US", "2"];
export const PIXELS: Element = [0x7fe0, 0x0010, "OW", "pixels"];
export const series = (uid: string): Element => [0x0020, 0x000e, "UI", uid];
export const position = (z: number): Element => [0x0020, 0x0032, "DS", `0\\0\\${z}`];

export const sliceOf = (uid: string, z: number): Uint8Array<ArrayBuffer> =>
  dicomFile([series(uid), position(z), ROWS, PIXELS]);
export const xrayOf = (uid: string): Uint8Array<ArrayBuffer> => dicomFile([series(uid), ROWS, PIXELS]);
