import { expect, test } from "vitest";
import { parseCsv, textOf, toCsv } from "./csv";

test("quotes hold separators, line ends and doubled quotes", () => {
  expect(parseCsv('path,label\r\n"a, b ""c"".png",1\r\n"two\nlines",0\r\n')).toEqual([
    ["path", "label"],
    ['a, b "c".png', "1"],
    ["two\nlines", "0"],
  ]);
});

test.each([
  ["comma", "name,label\na,1"],
  ["semicolon", "name;label\na;1"],
  ["tab", "name\tlabel\na\t1"],
])("the separator may be a %s", (_name, text) => {
  expect(parseCsv(text)).toEqual([
    ["name", "label"],
    ["a", "1"],
  ]);
});

test("a separator within quotes does not decide which one it is", () => {
  expect(parseCsv('"a,b,c";1\nd;0')).toEqual([
    ["a,b,c", "1"],
    ["d", "0"],
  ]);
});

test("empty cells are kept, also the last, and blank lines are not", () => {
  expect(parseCsv("a,,b\n\n,,\nc,d,\n")).toEqual([
    ["a", "", "b"],
    ["c", "d", ""],
  ]);
});

test("a separator at the very end is followed by an empty cell", () => {
  expect(parseCsv("a,b\nc,")).toEqual([
    ["a", "b"],
    ["c", ""],
  ]);
});

test("the byte-order mark is no part of the first name", () => {
  expect(parseCsv("\uFEFFname,label\rx,0")).toEqual([
    ["name", "label"],
    ["x", "0"],
  ]);
});

test("what is no UTF-8 is read as Excel writes it", () => {
  expect(textOf(new Uint8Array([0x4d, 0xfc, 0x6c]))).toBe("Mül");
  expect(textOf(new TextEncoder().encode("Mül"))).toBe("Mül");
});

test("written cells are quoted only where they must be, with CRLF and a byte-order mark", () => {
  expect(toCsv([["a,b", 'say "x"', 1.5, null, true, "plain"]])).toBe(
    '\uFEFF"a,b","say ""x""",1.5,,true,plain\r\n',
  );
});

test("a name that a spreadsheet would take for a formula is made text; a negative number stays one", () => {
  expect(toCsv([["=1+1", "+a", "-b", "@c", "\td", -2]])).toBe("\uFEFF'=1+1,'+a,'-b,'@c,'\td,-2\r\n");
});

test("what was written is read again as it was", () => {
  const rows = [
    ["path", "label"],
    ['x,"y"\n.png', "1"],
  ];
  expect(parseCsv(toCsv(rows))).toEqual(rows);
});
