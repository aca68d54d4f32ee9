/** The line under a plot with round numbers and what they are of. */

import { number } from "../ui/format";
import { ticks, type Scale, type Span } from "./scale";

interface BottomProps {
  domain: Span;
  scale: Scale;
  y: number;
  title: string;
  most?: number;
}

export function BottomAxis({ domain, scale, y, title, most = 6 }: BottomProps) {
  return (
    <g class="axis">
      <line x1={scale(domain[0])} x2={scale(domain[1])} y1={y} y2={y} />
      {ticks(domain, most).map((value) => (
        <g key={value} transform={`translate(${scale(value)} ${y})`}>
          <line y2={4} />
          <text y={16} text-anchor="middle">
            {number(value)}
          </text>
        </g>
      ))}
      <text class="axis-title" x={scale(domain[1])} y={y + 31} text-anchor="end">
        {title}
      </text>
    </g>
  );
}

interface LeftProps {
  domain: Span;
  scale: Scale;
  x: number;
  title: string;
  most?: number;
}

export function LeftAxis({ domain, scale, x, title, most = 5 }: LeftProps) {
  return (
    <g class="axis">
      <line x1={x} x2={x} y1={scale(domain[0])} y2={scale(domain[1])} />
      {ticks(domain, most).map((value) => (
        <g key={value} transform={`translate(${x} ${scale(value)})`}>
          <line x2={-4} />
          <text x={-8} y={4} text-anchor="end">
            {number(value)}
          </text>
        </g>
      ))}
      <text
        class="axis-title"
        transform={`translate(${x - 40} ${(scale(domain[0]) + scale(domain[1])) / 2}) rotate(-90)`}
        text-anchor="middle"
      >
        {title}
      </text>
    </g>
  );
}
