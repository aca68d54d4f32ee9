/** One bundle: its figures, its calibration, its card, and where it comes from. */

import { getCard } from "../api/client";
import type { Model } from "../api/types";
import { Distribution, spaced } from "../plots/Distribution";
import { Whiskers } from "../plots/Whiskers";
import { useAnswer, useCalibration } from "./answers";
import { CardText } from "./CardText";
import { Examples, withoutExamples } from "./Examples";
import { Fact, purposeText } from "./Fact";
import { figuresOf } from "./figures";
import { SampleScore } from "./SampleScore";

export function ModelPage({ model }: { model: Model }) {
  const calibration = useCalibration(model.model);
  const card = useAnswer(`card of ${model.model}`, () => getCard(model.model));
  return (
    <div class="page">
      <header>
        <p class="back">
          <a href="#/models">All models</a>
        </p>
        <h1>
          {model.name} <span class="version">{model.version}</span>
        </h1>
        <p>{model.description}</p>
        <p class="research-line">{model.intended_use}</p>
      </header>
      <div class="model-columns">
        <div class="model-main">
          <section class="panel" aria-labelledby="figures-title">
            <h2 id="figures-title">How well it did</h2>
            <Whiskers
              figures={figuresOf(model.eval_metrics)}
              caption="On test images that it was not trained on; in brackets the 95 % interval, drawn as a line."
            />
          </section>
          <section class="panel" aria-labelledby="calibration-title">
            <h2 id="calibration-title">What its scores are measured against</h2>
            {calibration.value && (
              <>
                <p class="hint">
                  Scores right of a line are flagged at that rate of false alarms;{" "}
                  {spaced(model.default_operating_point)} unless one chooses otherwise.
                </p>
                <Distribution
                  calibration={calibration.value}
                  chosen={model.default_operating_point}
                  width={740}
                />
              </>
            )}
            {calibration.error && <p class="hint">{calibration.error}</p>}
          </section>
          {model.examples.length > 0 && <Examples model={model} />}
          <section class="panel" aria-label="Card">
            {card.value !== null && <CardText text={withoutExamples(card.value)} below={1} />}
            {card.error && <p class="hint">The card cannot be shown: {card.error}</p>}
          </section>
        </div>
        <aside class="model-aside">
          <SampleScore key={model.model} model={model} />
          <Facts model={model} />
        </aside>
      </div>
    </div>
  );
}

function Facts({ model }: { model: Model }) {
  const data = model.training_data;
  const patients = data.patients ? ` of ${data.patients} patients` : "";
  return (
    <section class="panel" aria-labelledby="facts-title">
      <h2 id="facts-title">In short</h2>
      <dl class="facts">
        <Fact name="for" value={purposeText(model)} />
        <Fact name="method" value={model.method} />
        <Fact name="calibrated on" value={`${model.calibration_patients} held-out normal patients`} />
        <Fact name="trained on" value={`${data.images} normal images${patients}`} />
        {data.labelled_anomalous > 0 && (
          <Fact
            name="of them labelled"
            value={`${data.labelled_anomalous} anomalous images beside the normal ones`}
          />
        )}
        <Fact name="data" value={data.data_source} />
        <Fact name="licence of the data" value={data.licence} />
        {data.attribution && <Fact name="attribution" value={data.attribution} />}
        <Fact name="licence of the weights" value={model.licence} />
        <Fact name="authors" value={model.authors} />
        <div class="digest">
          <dt>digest of the bundle</dt>
          <dd>
            <code>{model.bundle_digest}</code>
          </dd>
        </div>
      </dl>
      <p>
        <a href="#/compare">Compare two models on one image</a>
      </p>
    </section>
  );
}
