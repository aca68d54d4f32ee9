"""Intervals by resampling patients, since the images of one patient are not independent.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
"""

from collections.abc import Callable, Sequence

import numpy as np

from inference.manifest import Metric

RESAMPLES = 2000
# So many rows of weights at once; all of a large test split would need gigabytes.
_ROWS = 200


def patient_weights(patients: Sequence[str], *, resamples: int, seed: int) -> np.ndarray:
    """How often each image is in each resample, `(resamples, N)`; patients are drawn with replacement."""
    _names, owner = np.unique(np.asarray(patients), return_inverse=True)
    count = int(owner.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.asarray(drawn[:, owner], float)


def with_interval(
    metric: Callable[[np.ndarray], np.ndarray],
    patients: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metric | None:
    """A figure and its 95 % interval; None where it is not defined.

    Args:
        metric: From weights `(R, N)` of the images to `(R,)` figures.
        patients: Whose each of the N images is.
    """
    value = float(metric(np.ones((1, len(patients))))[0])
    if not np.isfinite(value):
        return None
    weights = patient_weights(patients, resamples=resamples, seed=seed)
    figures = np.concatenate([metric(weights[row : row + _ROWS]) for row in range(0, resamples, _ROWS)])
    # A resample without an anomalous or a normal patient has no figure.
    low, high = np.nanpercentile(figures, (2.5, 97.5))
    return Metric(value=value, low=float(low), high=float(high))
