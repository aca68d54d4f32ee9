/** The part of Markdown that cards are written in, as a tree; HTML in it is text like any other. */

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "emphasis"; parts: Inline[] }
  | { kind: "link"; href: string; parts: Inline[] };

export type Block =
  | { kind: "heading"; level: number; parts: Inline[] }
  | { kind: "paragraph" | "quote"; parts: Inline[] }
  | { kind: "list"; isOrdered: boolean; items: Inline[][] }
  | { kind: "table"; head: Inline[][] | null; rows: Inline[][][] }
  | { kind: "code"; text: string }
  | { kind: "rule" };

const FENCE = /^(`{3,}|~{3,})/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^(?:-\s*){3,}$|^(?:\*\s*){3,}$/;
const BULLET = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const QUOTE = /^>\s?/;
const DIVIDER = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;

/** What ends a paragraph, a list item or a quote. */
const begins = (line: string): boolean =>
  line.trim() === "" ||
  [FENCE, HEADING, RULE, BULLET, QUOTE].some((one) => one.test(line)) ||
  line.startsWith("|");

/** The lines of a text, taken from the front. */
class Lines {
  private at = 0;

  constructor(private readonly lines: readonly string[]) {}

  /** The first line that is left, or one behind it; undefined beyond the end. */
  peek(ahead = 0): string | undefined {
    return this.lines[this.at + ahead];
  }

  next(): string {
    this.at += 1;
    return this.lines[this.at - 1] ?? "";
  }

  takeWhile(isMore: (line: string) => boolean): string[] {
    const first = this.at;
    while (this.at < this.lines.length && isMore(this.lines[this.at] ?? "")) this.at += 1;
    return this.lines.slice(first, this.at);
  }
}

/** Which blocks there are, by how their first line begins; the first that fits reads on. */
const READERS: [(lines: Lines, first: string) => boolean, (lines: Lines) => Block][] = [
  [(_, first) => FENCE.test(first), readCode],
  [(_, first) => HEADING.test(first), readHeading],
  [(_, first) => RULE.test(first), (lines) => (lines.next(), { kind: "rule" })],
  [
    (lines, first) => first.startsWith("|") && DIVIDER.test(lines.peek(1)?.trim() ?? ""),
    (lines) => tableOf(lines.takeWhile((line) => line.startsWith("|"))),
  ],
  [
    (_, first) => BULLET.test(first),
    (lines) => listOf(lines.takeWhile((line) => BULLET.test(line) || !begins(line))),
  ],
  [(_, first) => QUOTE.test(first), readQuote],
];

export function parseMarkdown(text: string): Block[] {
  const lines = new Lines(text.replace(/\r\n?/g, "\n").split("\n"));
  const blocks: Block[] = [];
  for (let first = lines.peek(); first !== undefined; first = lines.peek()) {
    const line = first;
    if (line.trim() === "") lines.next();
    else blocks.push((READERS.find(([fits]) => fits(lines, line))?.[1] ?? readParagraph)(lines));
  }
  return blocks;
}

function readCode(lines: Lines): Block {
  const fence = FENCE.exec(lines.next())?.[1] ?? "```";
  const text = lines.takeWhile((line) => !line.startsWith(fence)).join("\n");
  lines.next();
  return { kind: "code", text };
}

function readHeading(lines: Lines): Block {
  const [, marks = "#", title = ""] = HEADING.exec(lines.next()) ?? [];
  return { kind: "heading", level: marks.length, parts: parseInline(title) };
}

function readQuote(lines: Lines): Block {
  const quoted = lines.takeWhile((line) => QUOTE.test(line)).map((line) => line.replace(QUOTE, ""));
  return { kind: "quote", parts: parseInline(quoted.join(" ")) };
}

function readParagraph(lines: Lines): Block {
  const own = [lines.next(), ...lines.takeWhile((line) => !begins(line))];
  return { kind: "paragraph", parts: parseInline(own.map((line) => line.trim()).join(" ")) };
}

function listOf(lines: readonly string[]): Block {
  const items: string[] = [];
  for (const line of lines) {
    const bullet = BULLET.exec(line);
    if (bullet) items.push(bullet[2] ?? "");
    else items.push(`${items.pop() ?? ""} ${line.trim()}`);
  }
  return {
    kind: "list",
    isOrdered: BULLET.exec(lines[0] ?? "")?.[1] !== undefined,
    items: items.map(parseInline),
  };
}

function tableOf(lines: readonly string[]): Block {
  const [head = [], , ...rows] = lines.map(cellsOf);
  const isTitled = head.some((cell) => cell !== "");
  return {
    kind: "table",
    head: isTitled ? head.map(parseInline) : null,
    rows: rows.map((row) => head.map((_, column) => parseInline(row[column] ?? ""))),
  };
}

function cellsOf(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));
}

const INLINE = new RegExp(
  [
    /\\(?<escaped>[\\`*_[\]()#|<>!.-])/,
    /(?<ticks>`+)(?<code>[^`]+)\k<ticks>(?!`)/,
    /\*\*(?<strong>[^\s*](?:[^*]*[^\s*])?)\*\*/,
    /\*(?<emphasis>[^\s*](?:[^*]*[^\s*])?)\*/,
    /!?\[(?<label>[^\]]*)\]\((?<target>[^\s()]*(?:\([^\s()]*\)[^\s()]*)?)\)/,
    /(?<bare>https?:\/\/[^\s<>()[\]`*]+[^\s<>()[\]`*.,;:])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

export function parseInline(text: string): Inline[] {
  const parts: Inline[] = [];
  const say = (more: string) => {
    const last = parts.at(-1);
    if (last?.kind === "text") last.text += more;
    else if (more) parts.push({ kind: "text", text: more });
  };
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    say(text.slice(end, match.index));
    end = match.index + match[0].length;
    const part = inlineOf(match);
    if (typeof part === "string") say(part);
    else parts.push(part);
  }
  say(text.slice(end));
  return parts;
}

function inlineOf(match: RegExpMatchArray): Inline | string {
  const { escaped, code, strong, emphasis, label = "", target, bare } = match.groups ?? {};
  if (escaped !== undefined) return escaped;
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined) return { kind: "strong", parts: parseInline(strong) };
  if (emphasis !== undefined) return { kind: "emphasis", parts: parseInline(emphasis) };
  if (bare !== undefined) return { kind: "link", href: bare, parts: [{ kind: "text", text: bare }] };
  // A picture would be asked for from elsewhere: its description is shown instead.
  if (match[0].startsWith("!")) return label;
  const href = safeAddress(target ?? "");
  return href === null ? label : { kind: "link", href, parts: [{ kind: "text", text: label || href }] };
}

/** The address if it leads to a web page; null for javascript:, data: and whatever else could do something. */
export function safeAddress(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const { protocol, href } = new URL(address);
  return protocol === "https:" || protocol === "http:" ? href : null;
}
