/** Figures side by side, each as a bar and as a number. */

export interface Bar {
  name: string;
  value: number;
  text: string;
  hint?: string;
}

export function Bars({ bars, mark }: { bars: readonly Bar[]; mark?: "failed" }) {
  const most = Math.max(...bars.map(({ value }) => value));
  return (
    <ul class="status-bars" data-mark={mark}>
      {bars.map(({ name, value, text, hint }) => (
        <li key={name} title={hint}>
          <span class="name">{name}</span>
          <span class="track" aria-hidden="true">
            <span style={{ width: `${most > 0 ? (100 * value) / most : 0}%` }} />
          </span>
          <span class="value">{text}</span>
        </li>
      ))}
    </ul>
  );
}
