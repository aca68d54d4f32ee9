"""Many methods side by side: one row a method, mean and spread over its seeds."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.manifest import Metric
from training.evaluation import Evaluation

COLUMNS = {
    "image_auroc": "image AUROC",
    "image_auprc": "image AUPRC",
    "image_fpr95": "image FPR95",
    "pixel_auprc": "pixel AUPRC",
    "pixel_best_dice": "best Dice",
    "pixel_dice": "Dice at threshold",
    "false_alarm_rate_at_5%": "false alarms at 5%",
}
NO_FIGURE = "–"  # noqa: RUF001  # an en dash, as tables have it


class Outcome(BaseModel):
    """One method trained with one seed; `error` says why there is no evaluation."""

    model_config = ConfigDict(frozen=True)

    method: str
    seed: int
    train_seconds: float = 0.0
    bundle_megabytes: float = 0.0
    graph_ms_per_image: float = 0.0
    evaluation: Evaluation | None = None
    error: str = ""


def comparison_table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as Markdown, the highest mean image AUROC first, then the baselines."""
    by_method: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_method.setdefault(outcome.method, []).append(outcome)
    done = {name: _done(runs) for name, runs in by_method.items() if _done(runs)}
    ranked = sorted(done, key=lambda name: -_mean_auroc([e.metrics for _run, e in done[name]]))
    columns = [
        name for name in COLUMNS if any(name in e.metrics for runs in done.values() for _run, e in runs)
    ]
    names = ["method", *(COLUMNS[name] for name in columns), "train s", "bundle MB", "graph ms an image"]
    rows = [_row(name, done[name], columns) for name in ranked]
    rows += _baseline_rows([e for runs in done.values() for _run, e in runs], columns)
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|", *rows]
    failures = [f"* {run.method}, seed {run.seed}: {run.error}" for run in outcomes if run.error]
    notes = [_NOTE, *(["Not trained or not exported:\n\n" + "\n".join(failures)] if failures else [])]
    return "\n\n".join(["\n".join(lines), *notes]) + "\n"


def _done(runs: Sequence[Outcome]) -> list[tuple[Outcome, Evaluation]]:
    return [(run, run.evaluation) for run in runs if run.evaluation is not None]


def _row(name: str, runs: Sequence[tuple[Outcome, Evaluation]], columns: Sequence[str]) -> str:
    flag = " (inverted)" if _mean_auroc([e.metrics for _run, e in runs]) < 0.5 else ""
    cells = [f"{name}{flag}", *(_cell([e.metrics for _run, e in runs], column) for column in columns)]
    costs: tuple[Callable[[Outcome], float], ...] = (
        lambda run: run.train_seconds,
        lambda run: run.bundle_megabytes,
        lambda run: run.graph_ms_per_image,
    )
    cells += [f"{np.mean([cost(run) for run, _e in runs]):.3g}" for cost in costs]
    return "| " + " | ".join(cells) + " |"


def _baseline_rows(evaluations: Sequence[Evaluation], columns: Sequence[str]) -> list[str]:
    rows = []
    for name in evaluations[0].baselines if evaluations else ():
        figures = [evaluation.baselines[name] for evaluation in evaluations]
        flag = " (inverted)" if _mean_auroc(figures) < 0.5 else ""
        cells = [f"*{name}*{flag}", *(_cell(figures, column) for column in columns)]
        rows.append("| " + " | ".join([*cells, NO_FIGURE, NO_FIGURE, NO_FIGURE]) + " |")
    return rows


def _cell(figures: Sequence[Mapping[str, Metric]], name: str) -> str:
    found = [metrics[name] for metrics in figures if name in metrics]
    if not found:
        return NO_FIGURE
    values = [metric.value for metric in found]
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(set(values)) > 1 else ""
    low = np.mean([value for metric in found if (value := metric.low) is not None])
    high = np.mean([value for metric in found if (value := metric.high) is not None])
    return f"{np.mean(values):.3f}{spread} ({low:.3f} to {high:.3f})"


def _mean_auroc(figures: Sequence[Mapping[str, Metric]]) -> float:
    values = [metrics["image_auroc"].value for metrics in figures if "image_auroc" in metrics]
    return float(np.mean(values)) if values else float("nan")


_NOTE = (
    "Mean ± standard deviation over seeds; in brackets the 95 % bootstrap interval by patient, its ends "
    "averaged over seeds. A seed also draws anew which training patients are held out for the calibration. "
    "Every figure comes from the exported bundle through the service's predictor. A method whose scores are "
    "inverted is shown so, not flipped."
)
