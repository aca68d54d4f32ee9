/** Warnings: those of scope in one box, for together they say one thing. */

import type { Caution } from "./meaning";

export function Cautions({ cautions }: { cautions: readonly Caution[] }) {
  if (cautions.length === 0) return null;
  const scope = cautions.filter((one) => one.kind === "scope");
  const others = cautions.filter((one) => one.kind !== "scope");
  return (
    <section class="cautions" aria-label="Warnings">
      {scope.length > 0 && (
        <div class="warning">
          <strong>Why it is out of scope</strong>
          <ul>
            {scope.map(({ text }) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      )}
      {others.map(({ text }) => (
        <p key={text} class="warning">
          {text}
        </p>
      ))}
    </section>
  );
}
