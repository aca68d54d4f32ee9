"""Many methods side by side: one row a method and variant, mean and spread over its seeds."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.manifest import Metric
from training.bootstrap import Difference
from training.evaluation import Evaluation
from training.report import difference

COLUMNS = {
    "image_auroc": "image AUROC",
    "image_auprc": "image AUPRC",
    "image_fpr95": "image FPR95",
    "pixel_auprc": "pixel AUPRC",
    "pixel_aupro": "pixel AUPRO",
    "pixel_best_dice": "best Dice",
    "pixel_dice": "Dice at threshold",
    "false_alarm_rate_at_5%": "false alarms at 5%",
}
NO_FIGURE = "–"  # noqa: RUF001  # an en dash, as tables have it


class Outcome(BaseModel):
    """One method trained with one seed; `error` says why there is no evaluation."""

    model_config = ConfigDict(frozen=True)

    method: str
    variant: str = ""
    seed: int
    train_seconds: float = 0.0
    bundle_megabytes: float = 0.0
    graph_ms_per_image: float = 0.0
    evaluation: Evaluation | None = None
    error: str = ""

    @property
    def row(self) -> str:
        """What the table calls it: `atlas`, or `atlas / clahe / score=top`."""
        return f"{self.method} / {self.variant}" if self.variant else self.method


def comparison_table(
    outcomes: Sequence[Outcome], *, best_baseline: str | None, differences: Mapping[str, Difference]
) -> str:
    """The outcomes as Markdown, the highest mean image AUROC first.

    `differences` says how far each row lies above the row of the `best_baseline`.
    """
    by_row: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_row.setdefault(outcome.row, []).append(outcome)
    done = {row: _done(runs) for row, runs in by_row.items() if _done(runs)}
    ranked = sorted(done, key=lambda row: -_mean_auroc([e.metrics for _run, e in done[row]]))
    columns = [
        name for name in COLUMNS if any(name in e.metrics for runs in done.values() for _run, e in runs)
    ]
    names = ["method", *(COLUMNS[name] for name in columns)]
    names += [f"AUROC beyond {best_baseline}"] if best_baseline else []
    names += ["train s", "bundle MB", "graph ms an image"]
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in ranked:
        beyond = [_beyond(differences.get(row))] if best_baseline else []
        cells = [_name(row, done[row]), *_figures(done[row], columns), *beyond, *_costs(done[row])]
        lines.append("| " + " | ".join(cells) + " |")
    failures = [f"* {run.row}, seed {run.seed}: {run.error}" for run in outcomes if run.error]
    notes = [_NOTE, *(["Not trained or not exported:\n\n" + "\n".join(failures)] if failures else [])]
    notes[1:1] = [_PAIRED.format(best=best_baseline)] if best_baseline else []
    return "\n\n".join(["\n".join(lines), *notes]) + "\n"


def _done(runs: Sequence[Outcome]) -> list[tuple[Outcome, Evaluation]]:
    return [(run, run.evaluation) for run in runs if run.evaluation is not None]


def _name(row: str, runs: Sequence[tuple[Outcome, Evaluation]]) -> str:
    return f"{row} (inverted)" if _mean_auroc([e.metrics for _run, e in runs]) < 0.5 else row


def _figures(runs: Sequence[tuple[Outcome, Evaluation]], columns: Sequence[str]) -> list[str]:
    return [_cell([e.metrics for _run, e in runs], column) for column in columns]


def _beyond(found: Difference | None) -> str:
    return NO_FIGURE if found is None else difference(found)


def _costs(runs: Sequence[tuple[Outcome, Evaluation]]) -> list[str]:
    costs: tuple[Callable[[Outcome], float], ...] = (
        lambda run: run.train_seconds,
        lambda run: run.bundle_megabytes,
        lambda run: run.graph_ms_per_image,
    )
    return [f"{np.mean([cost(run) for run, _e in runs]):.3g}" for cost in costs]


def _cell(figures: Sequence[Mapping[str, Metric]], name: str) -> str:
    found = [metrics[name] for metrics in figures if name in metrics]
    if not found:
        return NO_FIGURE
    values = [metric.value for metric in found]
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(set(values)) > 1 else ""
    lows = [value for metric in found if (value := metric.low) is not None]
    highs = [value for metric in found if (value := metric.high) is not None]
    return f"{np.mean(values):.3f}{spread} ({np.mean(lows):.3f} to {np.mean(highs):.3f})"


def _mean_auroc(figures: Sequence[Mapping[str, Metric]]) -> float:
    values = [metrics["image_auroc"].value for metrics in figures if "image_auroc" in metrics]
    return float(np.mean(values)) if values else float("nan")


_NOTE = (
    "Mean ± standard deviation over seeds; in brackets the 95 % bootstrap interval by patient, its ends "
    "averaged over seeds. A seed also draws anew which training patients are held out for the calibration. "
    "Every figure comes from the exported bundle through the service's predictor. A method whose scores are "
    "inverted is shown so, not flipped. What follows a method's name is the variant; train s is the time of "
    "all attempts, reading the data included. A row chosen for its place here was chosen on the test set."
)
_PAIRED = (
    "AUROC beyond {best}, the baseline of the highest image AUROC: the difference of the image AUROC, "
    "averaged over seeds, its 95 % interval and two-sided p by a paired bootstrap over patients (2000 "
    "resamples). It does not hold the spread over seeds, nor that many rows are tested."
)
