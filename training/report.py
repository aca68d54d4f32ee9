"""An evaluation written down: JSON for machines, Markdown for people, plots for the eye."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inference.manifest import Manifest, Metric
from training.audit import OutsideBody
from training.bootstrap import Difference
from training.evaluation import Evaluation
from training.flags import flags
from training.plots import plot_examples, plot_roc, plot_scores
from training.scoring import ScoredSplit, write_scores

# Made beside the report by those who know the method and its training images.
NORMALS, RECONSTRUCTIONS = "normals.png", "reconstructions.png"
LABELS = {
    "image_auroc": "image AUROC",
    "image_auprc": "image AUPRC",
    "image_fpr95": "image FPR95",
    "pixel_auprc": "pixel AUPRC",
    "pixel_aupro": "pixel AUPRO (to a false-alarm rate of 0.3)",
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
    write_scores(scored, out)
    plot_roc(evaluation, scored, baseline_scores, manifest=manifest, path=out / "roc.png")
    plot_scores(scored, manifest, out / "scores.png")
    plot_examples(scored, manifest, out / "examples.png")


def markdown(evaluation: Evaluation) -> str:
    """The tables of an evaluation, each figure with its 95 % interval."""
    warned = [f"* **{flag}**" for flag in flags(evaluation)]
    parts = [
        f"{evaluation.images} test images of {evaluation.patients} patients, {evaluation.anomalous} of them "
        f"anomalous. Out of the bundle's scope, and scored all the same: {evaluation.out_of_scope}. "
        "Intervals are 95 % bootstrap intervals by patient (2000 resamples). Figures of pixels count every "
        "pixel of the images that have a reference mask, inside the body or not.",
        f"Which weights: {evaluation.selection}" if evaluation.selection else "",
        "\n".join(warned),
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


def difference(found: Difference) -> str:
    """`+0.084 (+0.031 to +0.140), p = 0.004`."""
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}), p = {found.p_value:.2g}"


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
    rows += [f"| {name} | not fitted: {why} | |" for name, why in evaluation.unfitted_baselines.items()]
    table = "\n".join(["| score | image AUROC | image AUPRC |", "|---|---|---|", *rows])
    if evaluation.beyond_best_baseline is None:
        return table
    return (
        f"{table}\n\nImage AUROC beyond that of {evaluation.best_baseline}, the best of them, in the same "
        f"resamples: {difference(evaluation.beyond_best_baseline)}."
    )


def _audit(evaluation: Evaluation) -> str:
    audit = evaluation.audit
    rows = [
        f"| {name} | {interval(nuisance.auroc)} | {interval(nuisance.method_auroc_within_quintiles)} |"
        for name, nuisance in audit.nuisances.items()
    ]
    text = (
        "What scalars that know nothing of disease reach alone (far from 0.5 in either direction means that "
        "the classes differ in it), and what the method reaches among images that are alike in it."
    )
    table = ["| scalar | its AUROC alone | method's AUROC within its quintiles |", "|---|---|---|", *rows]
    findings = [
        "* All images low-passed (a Gaussian whose standard deviation is 1/64 of the shorter side) and "
        f"scored again: image AUROC {interval(audit.low_passed_auroc)}.",
        f"* The border of the anomaly map alone: image AUROC {interval(audit.map_border_auroc)}.",
        *(_outside(name, found) for name, found in audit.outside_body.items()),
    ]
    return "\n\n".join([text, "\n".join(table), "\n".join(findings)])


def _outside(name: str, found: OutsideBody) -> str:
    share = "undefined" if found.map_share is None else f"{100 * found.map_share:.1f} %"
    return (
        f"* Of the map's sum, {share} lies outside the body in {name} images, "
        f"of whose area {100 * found.area:.1f} % is outside."
    )


_PLOTS = f"""
## What it saw as normal

![Normals]({NORMALS})

## What it reconstructs

![Reconstructions]({RECONSTRUCTIONS})

## Where it errs

![Examples](examples.png)

![Scores](scores.png)

![ROC](roc.png)
"""
