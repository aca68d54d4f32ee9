import { expect, test } from "vitest";
import { parseInline, parseMarkdown, safeAddress } from "./markdown";

const text = (value: string) => ({ kind: "text", text: value });

test("headings, paragraphs and rules", () => {
  expect(parseMarkdown("## Trained on\n\nOne line\nand its next.\n\n---\n")).toEqual([
    { kind: "heading", level: 2, parts: [text("Trained on")] },
    { kind: "paragraph", parts: [text("One line and its next.")] },
    { kind: "rule" },
  ]);
});

test("lists keep their kind, and lines that go on", () => {
  expect(parseMarkdown("* one\n* two\n  goes on\n\n1. first\n2. second")).toEqual([
    { kind: "list", isOrdered: false, items: [[text("one")], [text("two goes on")]] },
    { kind: "list", isOrdered: true, items: [[text("first")], [text("second")]] },
  ]);
});

test("a table has a head unless its titles are empty", () => {
  expect(parseMarkdown("| a | b |\n|---|---|\n| 1 | x \\| y |")).toEqual([
    { kind: "table", head: [[text("a")], [text("b")]], rows: [[[text("1")], [text("x | y")]]] },
  ]);
  expect(parseMarkdown("| | |\n|---|---|\n| method | `atlas` |")).toEqual([
    { kind: "table", head: null, rows: [[[text("method")], [{ kind: "code", text: "atlas" }]]] },
  ]);
});

test("a row has as many cells as its head", () => {
  const [table] = parseMarkdown("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |");
  expect(table?.kind === "table" && table.rows.map((row) => row.length)).toEqual([2, 2]);
});

test("bold, emphasis, code and links within a line", () => {
  expect(parseInline("**so** *very* `x*y*` [here](https://example.org/a_(b)) end")).toEqual([
    { kind: "strong", parts: [text("so")] },
    text(" "),
    { kind: "emphasis", parts: [text("very")] },
    text(" "),
    { kind: "code", text: "x*y*" },
    text(" "),
    { kind: "link", href: "https://example.org/a_(b)", parts: [text("here")] },
    text(" end"),
  ]);
});

test("a bare address is a link without the full stop behind it", () => {
  expect(parseInline("see https://doi.org/10.1016/j.cell.2018.02.010.")).toEqual([
    text("see "),
    {
      kind: "link",
      href: "https://doi.org/10.1016/j.cell.2018.02.010",
      parts: [text("https://doi.org/10.1016/j.cell.2018.02.010")],
    },
    text("."),
  ]);
});

test("stars and underscores of a formula or a name are themselves", () => {
  expect(parseInline("3 * 4 of mean_intensity_1 \\*")).toEqual([text("3 * 4 of mean_intensity_1 *")]);
});

test("code between fences is taken as it is", () => {
  expect(parseMarkdown("```sh\n# no heading\n| no table |\n```\nafter")).toEqual([
    { kind: "code", text: "# no heading\n| no table |" },
    { kind: "paragraph", parts: [text("after")] },
  ]);
});

test("HTML is text", () => {
  expect(parseMarkdown("<script>alert(1)</script>")).toEqual([
    { kind: "paragraph", parts: [text("<script>alert(1)</script>")] },
  ]);
});

test("an address that could run something is no link", () => {
  for (const address of [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "\tjavascript:alert(1)",
    "data:text/html,<script>",
    "vbscript:x",
    "file:///etc/passwd",
    "/jobs",
    "",
  ]) {
    expect(safeAddress(address)).toBeNull();
  }
  expect(parseInline("[click](javascript:alert)")).toEqual([text("click")]);
});

test("a picture from elsewhere is its description", () => {
  expect(parseInline("![a map](https://example.org/x.png)")).toEqual([text("a map")]);
});

test("a hostile card takes no time to speak of", () => {
  const started = performance.now();
  for (const part of ["*", "**a", "`", "[", "[a](", "|", "> ", "- ", "https://"])
    parseMarkdown(part.repeat(20_000));
  expect(performance.now() - started).toBeLessThan(4000);
});
