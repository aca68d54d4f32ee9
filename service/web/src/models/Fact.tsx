/** One line of what is known about a bundle. */

import type { Model } from "../api/types";

export function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function purposeText({ scope, contrasts }: Pick<Model, "scope" | "contrasts">): string {
  const parts = scope.body_parts.length ? scope.body_parts.join(", ").toLowerCase() : "any body part";
  const modalities = scope.modalities.length ? scope.modalities.join(", ") : "any modality";
  const spacing = scope.spacing_mm ? `; ${scope.spacing_mm.low} to ${scope.spacing_mm.high} mm a pixel` : "";
  return `${parts}; ${modalities}${contrasts.length ? ` with ${contrasts.join(", ")}` : ""}${spacing}`;
}
