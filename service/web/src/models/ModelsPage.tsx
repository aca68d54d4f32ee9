/** The installed bundles: what each is for, how well it did, and what stands behind it. */

import type { Model } from "../api/types";
import { intervalText } from "../plots/Whiskers";
import { useModels } from "./answers";
import { Fact, purposeText } from "./Fact";
import { headlineOf } from "./figures";
import { ModelPage } from "./ModelPage";
import "./models.css";

export default function ModelsPage({ name }: { name: string }) {
  const { value: models, error } = useModels();
  if (error) return <p class="page error">{error}</p>;
  if (!models) return <p class="loading">Loading…</p>;
  if (!name) return <ModelList models={models} />;
  // Without a version the newest is meant, which the service lists last.
  const found = models.find((one) => one.model === name) ?? models.findLast((one) => one.name === name);
  if (found) return <ModelPage model={found} />;
  return (
    <div class="page">
      <h1>{name} is not installed</h1>
      <p>
        <a href="#/models">See the models that are</a>
      </p>
    </div>
  );
}

function ModelList({ models }: { models: readonly Model[] }) {
  return (
    <div class="page">
      <header>
        <h1>Models</h1>
        <p class="hint">
          Each has learnt from normal images of one kind, and says how far another of that kind departs from
          them.
        </p>
      </header>
      {models.length === 0 && <p>No bundle is installed: the service cannot score anything.</p>}
      <ul class="model-list">
        {models.map((model) => (
          <li key={model.model} class="panel">
            <ModelCard model={model} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function ModelCard({ model }: { model: Model }) {
  const headline = headlineOf(model.eval_metrics);
  return (
    <article>
      <h2>
        <a href={`#/models/${encodeURIComponent(model.model)}`}>
          {model.name} <span class="version">{model.version}</span>
        </a>
      </h2>
      <p>{model.description}</p>
      <dl class="facts">
        <Fact name="for" value={purposeText(model)} />
        <Fact name="method" value={model.method} />
        {headline && <Fact name={headline.name} value={intervalText(headline)} />}
        <Fact name="calibrated on" value={`${model.calibration_patients} held-out normal patients`} />
        <Fact name="licence" value={model.licence} />
      </dl>
      <p class="hint">{model.intended_use}</p>
    </article>
  );
}
