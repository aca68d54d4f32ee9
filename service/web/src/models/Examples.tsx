/** A model's examples: what its heatmaps look like on normal and on anomalous images. */

import { useEffect, useState } from "preact/hooks";
import { getExample } from "../api/client";
import type { Example, Model } from "../api/types";

export function Examples({ model }: { model: Model }) {
  return (
    <section class="panel" aria-labelledby="examples-title">
      <h2 id="examples-title">Examples</h2>
      <p class="hint">
        Test images of each class whose scores lie nearest to the 10th, 50th and 90th percentile of its own:
        chosen by that rule, not by eye.
      </p>
      <div class="examples">
        {model.examples.map((example) => (
          <Picture key={example.file} model={model.model} example={example} />
        ))}
      </div>
    </section>
  );
}

/** The card without its own section of them, which is here already. */
export function withoutExamples(card: string): string {
  return card.replace(/\n## Examples\n[\s\S]*?(?=\n## |$)/, "");
}

function Picture({ model, example }: { model: string; example: Example }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    let made = "";
    let isGone = false;
    // By fetch, for an address in a picture could not send a key.
    getExample(model, example.file).then(
      (picture) => {
        if (!isGone) setAddress((made = URL.createObjectURL(picture)));
      },
      () => undefined,
    );
    return () => {
      isGone = true;
      URL.revokeObjectURL(made);
    };
  }, [model, example.file]);
  return (
    <figure>
      {address && <img src={address} alt={example.gt_label ? "Anomalous test image" : "Normal test image"} />}
      <figcaption>{example.caption}</figcaption>
    </figure>
  );
}
