/** A card as elements of the page: nothing of its text is ever read as HTML. */

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { parseMarkdown, type Block, type Inline } from "./markdown";

interface Props {
  text: string;
  /** How far headings go down: the page has its own above them. */
  below: number;
}

export function CardText({ text, below }: Props) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return (
    <div class="markdown">
      {blocks.map((block, index) => (
        <BlockView key={index} block={block} below={below} />
      ))}
    </div>
  );
}

const HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"] as const;

function BlockView({ block, below }: { block: Block; below: number }) {
  switch (block.kind) {
    case "heading": {
      const Heading = HEADINGS[Math.min(6, block.level + below) - 1] ?? "h6";
      return <Heading>{inline(block.parts)}</Heading>;
    }
    case "paragraph":
      return <p>{inline(block.parts)}</p>;
    case "quote":
      return <blockquote>{inline(block.parts)}</blockquote>;
    case "code":
      return <pre>{block.text}</pre>;
    case "rule":
      return <hr />;
    case "list": {
      const List = block.isOrdered ? "ol" : "ul";
      return (
        <List>
          {block.items.map((item, index) => (
            <li key={index}>{inline(item)}</li>
          ))}
        </List>
      );
    }
    case "table":
      return <TableView head={block.head} rows={block.rows} />;
  }
}

function TableView({ head, rows }: { head: Inline[][] | null; rows: Inline[][][] }) {
  return (
    <table>
      {head && (
        <thead>
          <tr>
            {head.map((cell, column) => (
              <th key={column} scope="col">
                {inline(cell)}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) =>
              column === 0 ? (
                <th key={column} scope="row">
                  {inline(cell)}
                </th>
              ) : (
                <td key={column}>{inline(cell)}</td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inline(parts: readonly Inline[]): ComponentChildren {
  return parts.map((part, index) => {
    switch (part.kind) {
      case "text":
        return part.text;
      case "code":
        return <code key={index}>{part.text}</code>;
      case "strong":
        return <strong key={index}>{inline(part.parts)}</strong>;
      case "emphasis":
        return <em key={index}>{inline(part.parts)}</em>;
      case "link":
        return (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer">
            {inline(part.parts)}
          </a>
        );
    }
  });
}
