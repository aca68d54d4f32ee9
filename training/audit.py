"""The shortcut audit: what scalars that know nothing of disease reach on the same test split.

Source: our own protocol, after Geirhos et al., Shortcut learning in deep neural networks, 2020,
https://doi.org/10.1038/s42256-020-00257-z. Beside each scalar's own AUROC stands the method's AUROC inside
the scalar's quintiles: a method that only repeats the scalar falls towards 0.5 there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.stats import rankdata

from imaging.image import Image
from training.metrics import auroc, levels_of_scores

BORDER = 0.125  # of the height and the width
QUINTILES = 5


@dataclass(frozen=True)
class Nuisance:
    """`auroc` of the scalar alone, below 0.5 where low values go with anomalies; nan: undefined."""

    auroc: float
    method_auroc_within_quintiles: float


def audit(images: Sequence[Image], scores: np.ndarray, labels: np.ndarray) -> dict[str, Nuisance]:
    """Hold the method's `scores` `(N,)` against every nuisance scalar of the source images."""
    found = {}
    for name, scalar in SCALARS.items():
        values = np.array([np.mean([scalar(part.mean(axis=0)) for part in image.slices]) for image in images])
        found[name] = Nuisance(
            auroc=auroc_of(values, labels),
            method_auroc_within_quintiles=auroc_within(scores, labels, strata_of(values)),
        )
    return found


def auroc_of(values: np.ndarray, labels: np.ndarray) -> float:
    return float(auroc(levels_of_scores(values, labels, np.ones((1, len(values)))))[0])


def strata_of(values: np.ndarray) -> np.ndarray:
    """The quintile, 0 to 4, of each value; equal values share one."""
    shares = (rankdata(values) - 0.5) / len(values)
    return np.minimum((shares * QUINTILES).astype(int), QUINTILES - 1)


def auroc_within(scores: np.ndarray, labels: np.ndarray, strata: np.ndarray) -> float:
    """AUROC over those pairs of an anomalous and a normal image that share a stratum; nan without any."""
    right = pairs = 0.0
    for stratum in np.unique(strata):
        inside = strata == stratum
        count = float((labels[inside] == 1).sum() * (labels[inside] != 1).sum())
        if count:
            right += count * auroc_of(scores[inside], labels[inside])
            pairs += count
    return right / pairs if pairs else float("nan")


def border_mean(plane: np.ndarray) -> float:
    """The mean of the outermost eighth `(H, W)` on each side."""
    rows, columns = (max(1, round(BORDER * side)) for side in plane.shape)
    inner = plane[rows:-rows, columns:-columns]
    return float((plane.sum() - inner.sum()) / (plane.size - inner.size))


def map_border_mean(anomaly_map: np.ndarray) -> float:
    """The border's mean of what the network saw of a map `(D, H, W)`: outside of that the map is 0."""
    plane = anomaly_map.mean(axis=0)
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not len(rows):
        return 0.0
    return border_mean(plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def sharpness(plane: np.ndarray) -> float:
    """The mean absolute Laplacian."""
    return float(np.abs(ndimage.laplace(plane)).mean())


SCALARS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": lambda plane: float(plane.mean()),
    "contrast": lambda plane: float(plane.std()),
    "sharpness": sharpness,
    "border": border_mean,
    "pixels": lambda plane: float(plane.size),
}
