"""How far every row of a comparison lies above the best baseline, by a paired bootstrap over patients.

The figure is the table's own: the image AUROC of each seed's scores, averaged over the seeds, both rows in
the same resamples. Scores of different seeds are not averaged: that would test an
ensemble that nobody exports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from training.audit import auroc_figure
from training.bootstrap import Difference, Figure, paired_difference
from training.comparison import Outcome
from training.errors import DataError
from training.scoring import ScoreTable, read_scores


class Run(NamedTuple):
    """An outcome, and the folder that its evaluation's scores are in."""

    outcome: Outcome
    scores: Path


@dataclass(frozen=True)
class Beyond:
    """`differences` by row; a row is not there if it is the best baseline's or has no figure."""

    best: str | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)


def beyond_best_baseline(runs: Sequence[Run], baselines: Sequence[str]) -> Beyond:
    """Test every row against that baseline's row whose mean image AUROC is the highest."""
    tables: dict[str, list[ScoreTable]] = {}
    aurocs: dict[str, list[float]] = {}
    for run in runs:
        table, figure = _table(run), _auroc(run.outcome)
        if table is not None and figure is not None:
            tables.setdefault(run.outcome.row, []).append(table)
            if run.outcome.method in baselines:
                aurocs.setdefault(run.outcome.row, []).append(figure)
    if not aurocs:
        return Beyond()
    best = max(aurocs, key=lambda row: float(np.mean(aurocs[row])))
    found = {}
    for row, ours in tables.items():
        if row == best or not _are_of_the_same_images([*ours, *tables[best]]):
            continue
        difference = paired_difference(_mean_auroc(ours), _mean_auroc(tables[best]), list(ours[0].patients))
        if difference is not None:
            found[row] = difference
    return Beyond(best, found)


def _table(run: Run) -> ScoreTable | None:
    if run.outcome.evaluation is None:
        return None
    try:
        return read_scores(run.scores)
    except DataError:
        return None  # removed since


def _auroc(outcome: Outcome) -> float | None:
    figure = outcome.evaluation.metrics.get("image_auroc") if outcome.evaluation else None
    return None if figure is None else figure.value


def _mean_auroc(tables: Sequence[ScoreTable]) -> Figure:
    figures = [auroc_figure(table.scores, table.labels) for table in tables]
    return lambda weights: np.mean([figure(weights) for figure in figures], axis=0)


def _are_of_the_same_images(tables: Sequence[ScoreTable]) -> bool:
    first = tables[0]
    return all(table.names == first.names and np.array_equal(table.labels, first.labels) for table in tables)
