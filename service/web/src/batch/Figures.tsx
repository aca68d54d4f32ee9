/** The plots of a batch, and how well scores and labels agree, in figures with their uncertainty. */

import { useId } from "preact/hooks";
import { save } from "../api/client";
import {
  bootstrapped,
  chosenModel,
  chosenPoint,
  curve,
  labelled,
  leftOut,
  pointFigures,
  pointName,
  scored,
  scoredBy,
  scoresWith,
  shownModel,
  type Curve,
} from "./analysis";
import type { Interval, Share } from "./figures";
import { Histogram } from "./Histogram";
import { pngFile, svgFile } from "./picture";
import { RocPlot } from "./RocPlot";
import { table, tally } from "./state";
import { LabelsPicker } from "./Steps";

/** With fewer of a class its figures hardly mean anything. */
const FEW = 20;

export function Figures() {
  if (!scored.value.length) {
    return <p class="panel hint">The histogram appears with the first score.</p>;
  }
  return (
    <>
      {scoredBy.value.length > 1 ? <ModelChoice /> : null}
      <div class="batch-plots">
        <Plot title="Scores" file="scores">
          {(id) => <Histogram id={id} />}
        </Plot>
        {curve.value ? <Agreement curve={curve.value} /> : <NoCurve />}
      </div>
      <Points />
    </>
  );
}

function ModelChoice() {
  return (
    <p class="panel batch-line">
      <label>
        Scores of different models do not compare. Show those of{" "}
        <select
          value={shownModel.value}
          onChange={(event) => (chosenModel.value = event.currentTarget.value)}
        >
          {scoredBy.value.map(([reference, count]) => (
            <option key={reference} value={reference}>
              {reference} ({count} images)
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}

interface PlotProps {
  title: string;
  file: string;
  children: (id: string) => preact.ComponentChildren;
}

function Plot({ title, file, children }: PlotProps) {
  const id = useId();
  const plot = () => document.getElementById(id) as unknown as SVGSVGElement;
  return (
    <section class="panel batch-plot" aria-labelledby={`${id}-head`}>
      <header>
        <h2 id={`${id}-head`}>{title}</h2>
        <button
          type="button"
          class="quiet"
          aria-label={`${title} as SVG`}
          onClick={() => save(svgFile(plot()), `atypia-${file}.svg`)}
        >
          SVG
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={`${title} as PNG`}
          onClick={async () => save(await pngFile(plot()), `atypia-${file}.png`)}
        >
          PNG
        </button>
      </header>
      {children(id)}
    </section>
  );
}

function NoCurve() {
  const classes = new Set(labelled.value.map(({ label }) => label));
  const missing = classes.has(0) ? "anomalous" : "normal";
  const reason = !table.value
    ? "Add a CSV of labels to see how well the scores agree with them: ROC, AUROC, sensitivity and false-alarm rate."
    : classes.size
      ? `A ROC needs images of both labels; no scored image is labelled ${missing}.`
      : "No scored image has a label yet.";
  return (
    <section class="panel batch-plot no-curve">
      <h2>ROC</h2>
      <p class="hint">{reason}</p>
      {table.value ? null : <LabelsPicker />}
    </section>
  );
}

function Agreement({ curve: found }: { curve: Curve }) {
  const normals = scoresWith(0).length;
  const anomalous = scoresWith(1).length;
  return (
    <>
      <Plot title="ROC" file="roc">
        {(id) => <RocPlot id={id} curve={found} />}
      </Plot>
      <section class="panel batch-agreement" aria-labelledby="agreement-head">
        <h2 id="agreement-head">Agreement with the labels</h2>
        <dl class="batch-figures">
          <Figure name="AUROC" chance="0.500" value={found.auroc} interval={bootstrapped.value?.auroc} />
          <Figure
            name="AUPRC"
            chance={(anomalous / (normals + anomalous)).toFixed(3)}
            value={found.auprc}
            interval={bootstrapped.value?.auprc}
          />
        </dl>
        {found.auroc < 0.5 ? (
          <p class="warning">
            Below 0.5: on this set the score is inverted, that is, normal images score higher than anomalous
            ones more often than not.
          </p>
        ) : null}
        <p>
          By image: {normals} normal, {anomalous} anomalous.
        </p>
        {notes(normals, anomalous).map((note) => (
          <p key={note} class="hint">
            {note}
          </p>
        ))}
      </section>
    </>
  );
}

interface FigureProps {
  name: string;
  /** The figure of scores that know nothing. */
  chance: string;
  value: number;
  interval: Interval | undefined;
}

function Figure({ name, chance, value, interval }: FigureProps) {
  return (
    <div>
      <dt>
        {name} <span>by chance {chance}</span>
      </dt>
      <dd>
        <strong>{value.toFixed(3)}</strong>
        <span>
          {interval
            ? `95 % interval ${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`
            : tally.value.open
              ? "so far; interval at the end"
              : "interval is being made…"}
        </span>
      </dd>
    </div>
  );
}

function notes(normals: number, anomalous: number): string[] {
  const { warned, copies } = leftOut.value;
  const { low, high } = bootstrapped.value?.auroc ?? { low: 0, high: 1 };
  return [
    leftOutWords(),
    warned ? `${counted(warned, "has", "have")} warnings; they count all the same.` : "",
    copies ? `${counted(copies, "is", "are")} byte for byte the same as another; all count.` : "",
    Math.min(normals, anomalous) < FEW
      ? "These are few images: another set may well give other figures."
      : "",
    low === high ? "The scores of the two labels do not overlap, so that resampling shows no spread." : "",
  ].filter(Boolean);
}

function leftOutWords(): string {
  const { failed, outOfScope, stopped, open, otherModel, bare, unlabelled } = leftOut.value;
  const parts = [
    [unlabelled, "unlabelled"],
    [outOfScope, "out of scope"],
    [failed, "failed"],
    [stopped, "cancelled"],
    [otherModel, "of another model"],
    [bare, "of an earlier version of the service"],
    [open, "not scored yet"],
  ].filter(([count]) => count);
  return parts.length ? `Left out: ${parts.map(([count, words]) => `${count} ${words}`).join(", ")}.` : "";
}

function counted(count: number, one: string, many: string): string {
  return count === 1 ? `1 image ${one}` : `${count} images ${many}`;
}

function Points() {
  const unlabelled = scoresWith(null).length;
  const isLabelled = labelled.value.length > 0;
  if (!pointFigures.value.length) return null;
  return (
    <section class="panel" aria-labelledby="points-head">
      <h2 id="points-head">At the model’s operating points</h2>
      <table class="batch-points">
        <thead>
          <tr>
            <th scope="col">Operating point</th>
            <th scope="col" class="is-number">
              Threshold
            </th>
            {isLabelled ? <th scope="col">Sensitivity: anomalous that are flagged</th> : null}
            {isLabelled ? <th scope="col">False-alarm rate: normal that are flagged</th> : null}
            {unlabelled ? <th scope="col">Unlabelled that are flagged</th> : null}
          </tr>
        </thead>
        <tbody>
          {pointFigures.value.map(({ point, sensitivity, falseAlarms, unlabelled: other }) => (
            <tr key={point.name} data-chosen={point.name === pointName.value}>
              <th scope="row">
                <label>
                  <input
                    type="radio"
                    name="batch-point"
                    checked={point.name === pointName.value}
                    onChange={() => (chosenPoint.value = point.name)}
                  />
                  {point.name}
                </label>
              </th>
              <td class="is-number">{point.threshold === null ? "none" : point.threshold.toFixed(3)}</td>
              {isLabelled ? <ShareCell share={sensitivity} /> : null}
              {isLabelled ? <ShareCell share={falseAlarms} /> : null}
              {unlabelled ? <td>{other ? `${other.count} of ${other.of}` : "—"}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        An operating point is named after its false-alarm rate among the model’s own held-out normals; the one
        that is chosen here decides what counts as flagged.{" "}
        {isLabelled ? (
          <>
            Rates are by image with Wilson’s 95 % interval; those of AUROC and AUPRC are of 2,000 bootstrap
            resamples within each label. Several images of one patient make all of them too narrow.{" "}
            <strong>Never select a threshold on these labels: it would look better than it is.</strong>
          </>
        ) : null}
      </p>
    </section>
  );
}

function ShareCell({ share }: { share: Share | null }) {
  if (!share) return <td>—</td>;
  return (
    <td>
      <strong>{rate(share.count / share.of)} %</strong>{" "}
      <span class="hint">
        ({rate(share.low)} to {rate(share.high)})
      </span>{" "}
      {share.count} of {share.of}
    </td>
  );
}

function rate(share: number): string {
  return (100 * share).toFixed(1);
}
