/** Tables as text, in and out (RFC 4180; semicolons and tabs are read as well). */

const SEPARATORS = [",", ";", "\t"];
/** With it Excel reads names as UTF-8; pandas and R leave it out by themselves. */
const BYTE_ORDER_MARK = "\uFEFF";
/** A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;

export type Cell = string | number | boolean | null;

/** The text of a file: UTF-8 or UTF-16 by its mark, else UTF-8, else as Excel writes it in Western Europe. */
export function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Rows of cells; blank lines are left out. The separator is the one that the first line has most of. */
export function parseCsv(text: string): string[][] {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const separator = separatorOf(plain);
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < plain.length) {
    const { cell, end } = plain[at] === '"' ? quoted(plain, at) : bare(plain, at, separator);
    row.push(cell);
    at = end;
    if (plain[at] === separator) {
      at += 1;
      // A line that ends with a separator ends with an empty cell.
      if (at < plain.length && !isLineEnd(plain[at])) continue;
      row.push("");
    }
    if (plain[at] === "\r" && plain[at + 1] === "\n") at += 1;
    at += 1;
    if (row.some((one) => one.trim() !== "")) rows.push(row);
    row = [];
  }
  return rows;
}

export function toCsv(rows: readonly (readonly Cell[])[]): string {
  return BYTE_ORDER_MARK + rows.map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  // A number may begin with a minus and is none the worse for it; a name may be somebody's formula.
  const text = typeof cell === "string" && FORMULA.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function separatorOf(text: string): string {
  const line = (/^[^\r\n]*/.exec(text)?.[0] ?? "").replace(/"(?:[^"]|"")*"/g, "");
  const counts = SEPARATORS.map((one) => line.split(one).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ",";
}

function quoted(text: string, start: number): { cell: string; end: number } {
  let end = start + 1;
  while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) {
    end += text[end] === '"' ? 2 : 1;
  }
  const cell = text.slice(start + 1, end).replaceAll('""', '"');
  end += 1;
  // What stands between a closing quote and the separator belongs to no cell.
  while (end < text.length && !SEPARATORS.includes(text[end] ?? "") && !isLineEnd(text[end])) end += 1;
  return { cell, end };
}

function bare(text: string, start: number, separator: string): { cell: string; end: number } {
  let end = start;
  while (end < text.length && text[end] !== separator && !isLineEnd(text[end])) end += 1;
  return { cell: text.slice(start, end), end };
}

function isLineEnd(character: string | undefined): boolean {
  return character === "\n" || character === "\r";
}
