"""Intervals and paired tests by resampling patients, since the images of one patient are not independent.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 (percentile interval) and
15 (significance from the interval that just reaches zero).
"""

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from inference.manifest import Metric

RESAMPLES = 2000
# So many rows of weights at once; all of a large test split would need gigabytes.
_ROWS = 200

Figure = Callable[[np.ndarray], np.ndarray]
"""From weights `(R, N)` of the images to `(R,)` figures; nan where undefined."""


class Difference(BaseModel):
    """How far one figure lies above another on the same images: 95 % interval and two-sided p."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    p_value: float


def patient_weights(patients: Sequence[str], *, resamples: int, seed: int) -> np.ndarray:
    """How often each image is in each resample, `(resamples, N)`; patients are drawn with replacement."""
    _names, owner = np.unique(np.asarray(patients), return_inverse=True)
    count = int(owner.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.asarray(drawn[:, owner], float)


def with_interval(
    metric: Figure, patients: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Metric | None:
    """A figure and its 95 % interval; None where it is not defined. `patients` owns the N images."""
    value = _of_all(metric, patients)
    if not np.isfinite(value):
        return None
    low, high = np.nanpercentile(_resampled(metric, patients, resamples, seed), (2.5, 97.5))
    return Metric(value=value, low=float(low), high=float(high))


def paired_difference(
    ours: Figure, theirs: Figure, patients: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference | None:
    """How far `ours` lies above `theirs`, both in the same resamples; None where either is not defined."""

    def difference(weights: np.ndarray) -> np.ndarray:
        return ours(weights) - theirs(weights)

    value = _of_all(difference, patients)
    if not np.isfinite(value):
        return None
    drawn = _resampled(difference, patients, resamples, seed)
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    # One is added, as if the observed were a resample too: no p of a finite number of resamples is 0.
    rarer = 1 + min((drawn <= 0).sum(), (drawn >= 0).sum())
    p_value = min(1.0, 2 * rarer / (len(drawn) + 1))
    return Difference(value=value, low=float(low), high=float(high), p_value=float(p_value))


def _of_all(metric: Figure, patients: Sequence[str]) -> float:
    return float(metric(np.ones((1, len(patients))))[0])


def _resampled(metric: Figure, patients: Sequence[str], resamples: int, seed: int) -> np.ndarray:
    """The figure of every resample; nan in one without an anomalous or a normal patient."""
    weights = patient_weights(patients, resamples=resamples, seed=seed)
    return np.concatenate([metric(weights[row : row + _ROWS]) for row in range(0, resamples, _ROWS)])
