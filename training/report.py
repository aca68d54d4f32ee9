"""An evaluation written down: JSON for machines, Markdown for people, plots for the eye."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inference.manifest import Manifest, Metric
from training.evaluation import Evaluation, ScoredSplit
from training.plots import plot_examples, plot_roc, plot_scores

INVERTED = (
    "**Inverted: anomalous images score lower than normal ones here (AUROC below 0.5). "
    "The score is shown as it is; do not use it on such images.**"
)
LABELS = {
    "image_auroc": "image AUROC",
    "image_auprc": "image AUPRC",
    "image_fpr95": "image FPR95",
    "pixel_auprc": "pixel AUPRC",
    "pixel_best_dice": "best Dice (threshold chosen on the test masks)",
    "pixel_dice": "Dice at the calibrated threshold",
}


def write_report(
    evaluation: Evaluation,
    scored: ScoredSplit,
    baseline_scores: Mapping[str, np.ndarray],
    *,
    manifest: Manifest,
    out: Path,
) -> None:
    """Write `evaluation.json`, `report.md`, `scores.csv` and three plots into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(evaluation.model_dump_json(indent=1) + "\n")
    title = f"# {evaluation.bundle} on {evaluation.images} test images\n\n"
    (out / "report.md").write_text(title + markdown(evaluation) + _PLOTS)
    _write_scores(scored, out / "scores.csv")
    plot_roc(evaluation, scored, baseline_scores, manifest=manifest, path=out / "roc.png")
    plot_scores(scored, manifest, out / "scores.png")
    plot_examples(scored, manifest, out / "examples.png")


def markdown(evaluation: Evaluation) -> str:
    """The tables of an evaluation, each figure with its 95 % interval."""
    parts = [
        f"{evaluation.images} test images of {evaluation.patients} patients, {evaluation.anomalous} of them "
        f"anomalous. Out of the bundle's scope, and scored all the same: {evaluation.out_of_scope}. "
        "Intervals are 95 % bootstrap intervals by patient (2000 resamples).",
        INVERTED if evaluation.is_inverted else "",
        _table({_label(name): figure for name, figure in evaluation.metrics.items()}),
        "### Beside trivial baselines\n\n" + _baselines(evaluation),
        "### Shortcut audit\n\n" + _audit(evaluation),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def interval(figure: Metric | None) -> str:
    """`0.912 (0.880 to 0.940)`, or a word where there is no figure."""
    if figure is None:
        return "undefined"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _label(name: str) -> str:
    kind, separator, point = name.partition("_at_")
    if separator:
        return f"{kind.replace('_', '-') if kind == 'sensitivity' else 'false-alarm rate'} at {point}"
    return LABELS[name]


def _table(figures: Mapping[str, Metric]) -> str:
    rows = [f"| {name} | {interval(figure)} |" for name, figure in figures.items()]
    return "\n".join(["| figure | value |", "|---|---|", *rows])


def _baselines(evaluation: Evaluation) -> str:
    methods = {f"**{evaluation.method}**": evaluation.metrics, **evaluation.baselines}
    rows = [
        f"| {name} | {interval(figures.get('image_auroc'))} | {interval(figures.get('image_auprc'))} |"
        for name, figures in methods.items()
    ]
    return "\n".join(["| score | image AUROC | image AUPRC |", "|---|---|---|", *rows])


def _audit(evaluation: Evaluation) -> str:
    rows = [
        f"| {name} | {nuisance.auroc:.3f} | {nuisance.method_auroc_within_quintiles:.3f} |"
        for name, nuisance in evaluation.nuisances.items()
    ]
    text = (
        "What scalars that know nothing of disease reach alone (far from 0.5 in either direction means that "
        "the classes differ in it), and what the method reaches among images that are alike in it."
    )
    border = f"The border of the anomaly map alone reaches {evaluation.map_border_auroc:.3f}."
    table = ["| scalar | its AUROC alone | method's AUROC within its quintiles |", "|---|---|---|", *rows]
    return "\n\n".join([text, "\n".join(table), border])


def _write_scores(scored: ScoredSplit, path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "patient", "gt_label", "score", "p_value"])
        for sample, result in zip(scored.samples, scored.results, strict=True):
            writer.writerow([sample.name, sample.patient, sample.gt_label, result.score, result.p_value])


_PLOTS = """
![ROC](roc.png)

![Scores](scores.png)

![Examples](examples.png)
"""
