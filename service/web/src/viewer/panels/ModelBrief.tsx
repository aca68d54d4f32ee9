/** Which model said so, what it is for, and how well it did where that is known. */

import type { Model, Result } from "../../api/types";
import { figuresOf, headlineOf } from "../../models/figures";
import { intervalText } from "../../plots/Whiskers";

interface Props {
  result: Result;
  /** Null until it is known, or where it is not installed any more. */
  model: Model | null;
  error: string | null;
}

const MOST_FIGURES = 3;

export function ModelBrief({ result, model, error }: Props) {
  const headline = model && headlineOf(model.eval_metrics);
  const others = model
    ? figuresOf(model.eval_metrics).filter(({ name }) => /^(sensitivity|false-alarm rate) at 5 %/.test(name))
    : [];
  return (
    <section class="model-brief" aria-labelledby="model-title">
      <h3 id="model-title">Model</h3>
      <p>
        <a href={`#/models/${encodeURIComponent(result.model)}`}>{result.model}</a>
        {model && <span class="hint"> · {model.description}</span>}
      </p>
      {error && <p class="hint">{error}</p>}
      {model && model.bundle_digest !== result.bundle_digest && (
        <p class="warning">
          The installed bundle of this name is another than the one that made this result: plot and figures
          are the installed one's.
        </p>
      )}
      {headline && (
        <dl class="brief-figures">
          {[headline, ...others].slice(0, MOST_FIGURES).map((figure) => (
            <div key={figure.name}>
              <dt>{figure.name}</dt>
              <dd>{intervalText(figure)}</dd>
            </div>
          ))}
        </dl>
      )}
      <p>
        <a href={`#/compare/${result.job_id}`}>Compare with another model</a>
      </p>
    </section>
  );
}
