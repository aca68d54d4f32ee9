"""The shortcut audit: what a score might live on that has nothing to do with disease.

Source: our own protocol, after Geirhos et al., Shortcut learning in deep neural networks, 2020,
https://doi.org/10.1038/s42256-020-00257-z. Beside the AUROC of each scalar alone stands the method's AUROC
inside the scalar's quintiles: a method that only repeats the scalar falls towards 0.5 there. All images of
both classes are low-passed alike and scored again: what lives on fine texture or noise is lost. The map's
sum outside the body, and its border, can show nothing of the body.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import ndimage
from scipy.stats import rankdata

from imaging.image import Image
from inference.manifest import Metric
from training.body import outside_body
from training.bootstrap import Figure, with_interval
from training.data.data_set import ANOMALOUS, NORMAL
from training.metrics import auroc, levels_of_scores
from training.scoring import ScoredSplit

BORDER = 0.125  # of the height and the width
QUINTILES = 5
LOW_PASS = 1 / 64  # the Gaussian's standard deviation, of the shorter side


class Nuisance(BaseModel):
    """`auroc` of the scalar alone, below 0.5 where low values go with anomalies; None: undefined."""

    model_config = ConfigDict(frozen=True)

    auroc: Metric | None
    method_auroc_within_quintiles: Metric | None


class OutsideBody(BaseModel):
    """Means over the images of one class, as shares of 1; `map_share` is None where all maps are empty."""

    model_config = ConfigDict(frozen=True)

    map_share: float | None
    area: float


class Audit(BaseModel):
    """What was found; None is undefined or, for the low-passed images, not asked."""

    model_config = ConfigDict(frozen=True)

    nuisances: dict[str, Nuisance]
    low_passed_auroc: Metric | None
    map_border_auroc: Metric | None
    outside_body: dict[str, OutsideBody]


def audit(scored: ScoredSplit, low_passed_scores: np.ndarray | None) -> Audit:
    """Audit a scored split; `low_passed_scores` `(N,)` are those of the same images through `low_passed`."""
    labels, patients = scored.labels, scored.patients
    borders = np.array([map_border_mean(result.anomaly_map) for result in scored.results])
    return Audit(
        nuisances=_nuisances(scored),
        low_passed_auroc=None
        if low_passed_scores is None
        else with_interval(auroc_figure(low_passed_scores, labels), patients),
        map_border_auroc=with_interval(auroc_figure(borders, labels), patients),
        outside_body=_outside_body(scored),
    )


def auroc_figure(scores: np.ndarray, labels: np.ndarray) -> Figure:
    return lambda weights: auroc(levels_of_scores(scores, labels, weights))


def auroc_of(values: np.ndarray, labels: np.ndarray) -> float:
    return float(auroc_figure(values, labels)(np.ones((1, len(values))))[0])


def low_passed(image: Image) -> Image:
    """The image without detail, each slice on its own; the standard deviation is 1/64 of the shorter side."""
    sigma = LOW_PASS * min(image.pixels.shape[-2:])
    axes = (image.pixels.ndim - 2, image.pixels.ndim - 1)
    return replace(image, pixels=ndimage.gaussian_filter(image.pixels, sigma, axes=axes))


def strata_of(values: np.ndarray) -> np.ndarray:
    """The quintile, 0 to 4, of each value; equal values share one."""
    shares = (rankdata(values) - 0.5) / len(values)
    return np.minimum((shares * QUINTILES).astype(int), QUINTILES - 1)


def auroc_within(scores: np.ndarray, labels: np.ndarray, strata: np.ndarray) -> Figure:
    """AUROC over those pairs of an anomalous and a normal image that share a stratum; nan without any."""
    parts = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]

    def figure(weights: np.ndarray) -> np.ndarray:
        right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for part in parts:
            levels = levels_of_scores(scores[part], labels[part], weights[:, part])
            count = levels.anomalous.sum(axis=1) * levels.normal.sum(axis=1)
            right += count * np.nan_to_num(auroc(levels))
            pairs += count
        return np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)

    return figure


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


def _nuisances(scored: ScoredSplit) -> dict[str, Nuisance]:
    labels, patients, found = scored.labels, scored.patients, {}
    for name, scalar in SCALARS.items():
        values = np.array(
            [
                np.mean([scalar(part.mean(axis=0)) for part in sample.image.slices])
                for sample in scored.samples
            ]
        )
        found[name] = Nuisance(
            auroc=with_interval(auroc_figure(values, labels), patients),
            method_auroc_within_quintiles=with_interval(
                auroc_within(scored.scores, labels, strata_of(values)), patients
            ),
        )
    return found


def _outside_body(scored: ScoredSplit) -> dict[str, OutsideBody]:
    found = {}
    for name, label in (("normal", NORMAL), ("anomalous", ANOMALOUS)):
        shares = [
            outside_body(sample.image, result.anomaly_map)
            for sample, result in zip(scored.samples, scored.results, strict=True)
            if sample.gt_label == label
        ]
        if shares:
            maps = [share for share, _area in shares if np.isfinite(share)]
            found[name] = OutsideBody(
                map_share=float(np.mean(maps)) if maps else None,
                area=float(np.mean([area for _share, area in shares])),
            )
    return found
