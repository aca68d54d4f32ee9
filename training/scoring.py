"""A test split scored through the very predictor of the service, and its scores as a table."""

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inference.predictor import Predictor
from inference.scoring import ImageResult
from training.data.data_set import Sample
from training.errors import DataError

SCORES = "scores.csv"


@dataclass(frozen=True)
class ScoredSplit:
    """A test split beside what the predictor said of it, in the same order."""

    samples: tuple[Sample, ...]
    results: tuple[ImageResult, ...]
    seconds: float

    @property
    def labels(self) -> np.ndarray:
        return np.array([sample.gt_label for sample in self.samples])

    @property
    def scores(self) -> np.ndarray:
        return np.array([result.score for result in self.results])

    @property
    def patients(self) -> list[str]:
        return [sample.patient for sample in self.samples]


class ScoreTable(NamedTuple):
    """What a paired test needs of a scored split."""

    names: tuple[str, ...]
    patients: tuple[str, ...]
    labels: np.ndarray  # (N,), 1 is anomalous
    scores: np.ndarray  # (N,)


def score_split(
    predictor: Predictor, samples: Sequence[Sample], *, progress: Callable[[], None] = lambda: None
) -> ScoredSplit:
    """Score every image, those out of the bundle's scope too; `progress` is called after each.

    Raises:
        DataError: There is nothing to score, or a mask does not fit its image.
    """
    if not samples:
        raise DataError("the data set has no test images; it needs a test split")
    for sample in samples:
        _check_mask(sample)
    results = []
    start = time.perf_counter()
    for sample in samples:
        results.append(predictor.predict(sample.image, scope="warn"))
        progress()
    return ScoredSplit(tuple(samples), tuple(results), time.perf_counter() - start)


def write_scores(scored: ScoredSplit, folder: Path) -> None:
    with (folder / SCORES).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "patient", "gt_label", "score", "p_value"])
        for sample, result in zip(scored.samples, scored.results, strict=True):
            writer.writerow([sample.name, sample.patient, sample.gt_label, result.score, result.p_value])


def read_scores(folder: Path) -> ScoreTable:
    """The table that `write_scores` left in a folder.

    Raises:
        DataError: There is none, or it is cut off.
    """
    try:
        with (folder / SCORES).open(newline="") as file:
            rows = list(csv.DictReader(file))
        return ScoreTable(
            tuple(row["name"] for row in rows),
            tuple(row["patient"] for row in rows),
            np.array([int(row["gt_label"]) for row in rows]),
            np.array([float(row["score"]) for row in rows]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / SCORES} is no table of scores: {error}") from error


def _check_mask(sample: Sample) -> None:
    depth, _channels, height, width = sample.image.slices.shape
    if sample.gt_mask is not None and sample.gt_mask.shape != (depth, height, width):
        raise DataError(
            f"the mask of {sample.name} is {sample.gt_mask.shape}, its image {(depth, height, width)}; "
            f"both are (slices, rows, columns)"
        )
