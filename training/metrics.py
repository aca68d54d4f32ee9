"""Figures of merit, each for many bootstrap resamples at once.

Everything is computed from how many anomalous and normal items lie at each level of the score, so that one
implementation serves images and pixels, the figure itself and its resamples. Tied items share a level, as
the definitions want: AUROC counts a tie as one half, AUPRC is the step-wise average precision.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Levels of pooled pixels; every figure is exact at these levels.
PIXEL_LEVELS = 1000
# AUPRO is the area below this false-alarm rate: beyond it a map is of no use.
AUPRO_LIMIT = 0.3


class Levels(NamedTuple):
    """Weights of the items at each level, levels ascending, one row a resample (or an image)."""

    anomalous: np.ndarray  # (R, L)
    normal: np.ndarray  # (R, L)


class PixelLevels(NamedTuple):
    """The pixels of every image on common levels, one row an image: of these, resamples are weighted sums."""

    anomalous: np.ndarray  # (N, L)
    components: np.ndarray  # (N, L): the anomalous ones again, each connected component weighing 1 in all
    normal: np.ndarray  # (N, L)

    def pooled(self, weights: np.ndarray) -> Levels:
        """All pixels alike, of images in `weights` `(R, N)`."""
        return Levels(weights @ self.anomalous, weights @ self.normal)

    def by_component(self, weights: np.ndarray) -> Levels:
        """A large lesion counts no more than a small one."""
        return Levels(weights @ self.components, weights @ self.normal)


def levels_of_scores(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Levels:
    """The levels of scored images.

    Args:
        scores: `(N,)`, higher is more anomalous.
        labels: `(N,)`, 1 is anomalous.
        weights: `(R, N)`, how often each image is in each resample.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    ordered, is_anomalous = weights[:, order], labels[order] == 1
    return Levels(
        np.add.reduceat(np.where(is_anomalous, ordered, 0.0), starts, axis=1),
        np.add.reduceat(np.where(is_anomalous, 0.0, ordered), starts, axis=1),
    )


def levels_of_pixels(anomaly_maps: Sequence[np.ndarray], gt_masks: Sequence[np.ndarray]) -> PixelLevels:
    """The levels of all pixels; maps and masks `(D, H, W)` in pairs of one shape."""
    pairs = list(zip(anomaly_maps, gt_masks, strict=True))
    inside = np.concatenate([values[mask] for values, mask in pairs])
    everywhere = np.concatenate([values.ravel() for values in anomaly_maps])
    shares = np.linspace(0, 1, PIXEL_LEVELS // 2)
    # Half of the levels follow the few anomalous pixels, where the curves bend.
    edges = np.unique(np.concatenate([np.quantile(everywhere, shares), np.quantile(inside, shares)]))
    return PixelLevels(
        np.stack([_histogram(values[mask], edges) for values, mask in pairs]),
        np.stack([_histogram(values[mask], edges, component_weights(mask)[mask]) for values, mask in pairs]),
        np.stack([_histogram(values[~mask], edges) for values, mask in pairs]),
    )


def component_weights(gt_mask: np.ndarray) -> np.ndarray:
    """One over the size of the connected component that each pixel of the mask is in, else 0.

    Pixels that touch by a corner are connected; in a volume `(D, H, W)` across slices too.
    """
    labels, _count = ndimage.label(gt_mask, structure=np.ones((3,) * gt_mask.ndim))
    sizes = np.bincount(labels.ravel())
    return np.where(labels > 0, 1 / np.maximum(sizes, 1)[labels], 0.0)


def auroc(levels: Levels) -> np.ndarray:
    """Chance that an anomalous item lies above a normal one, `(R,)`; nan without both kinds."""
    below = np.cumsum(levels.normal, axis=1) - levels.normal
    pairs = levels.anomalous.sum(axis=1) * levels.normal.sum(axis=1)
    return _share((levels.anomalous * (below + 0.5 * levels.normal)).sum(axis=1), pairs)


def auprc(levels: Levels) -> np.ndarray:
    """Average precision, the sum over levels of (recall gained) x precision, `(R,)`."""
    hits, alarms = _flagged(levels)
    precision = np.divide(hits, hits + alarms, out=np.zeros_like(hits), where=hits + alarms > 0)
    return _share((levels.anomalous * precision).sum(axis=1), levels.anomalous.sum(axis=1))


def fpr95(levels: Levels) -> np.ndarray:
    """Share of normals flagged at the highest level that flags at least 95 % of the anomalous, `(R,)`."""
    hits, alarms = _flagged(levels)
    enough = hits >= 0.95 * hits[:, :1] - 1e-9
    highest = enough.shape[1] - 1 - np.argmax(enough[:, ::-1], axis=1)
    rate = _share(np.take_along_axis(alarms, highest[:, None], axis=1)[:, 0], alarms[:, 0])
    return np.where(hits[:, 0] > 0, rate, np.nan)


def best_dice(levels: Levels) -> np.ndarray:
    """The highest Dice that one threshold for all can reach, `(R,)`: it knows the reference, a limit only."""
    hits, alarms = _flagged(levels)
    sizes = hits + alarms + hits[:, :1]
    dice = np.divide(2 * hits, sizes, out=np.zeros_like(hits), where=sizes > 0)
    return np.where(hits[:, 0] > 0, dice.max(axis=1), np.nan)


def aupro(levels: Levels) -> np.ndarray:
    """Mean recall of connected components against the false-alarm rate of pixels, `(R,)`.

    The area from 0 to 0.3 over 0.3, where 1 is perfect and 0.15 is chance; `levels` are those by component,
    in which the share of anomalous weight above a level is the mean recall of the components.

    Source: Bergmann et al., MVTec AD, 2019, https://doi.org/10.1109/CVPR.2019.00982.
    """
    hits, alarms = _flagged(levels)
    none = np.zeros((len(hits), 1))
    defined = (hits[:, 0] > 0) & (alarms[:, 0] > 0)
    # From nothing flagged to everything, as highest levels first.
    recall = np.hstack([none, (hits / np.where(defined, hits[:, 0], 1)[:, None])[:, ::-1]])
    rate = np.hstack([none, (alarms / np.where(defined, alarms[:, 0], 1)[:, None])[:, ::-1]])
    before, after = rate[:, :-1], rate[:, 1:]
    width = np.clip(AUPRO_LIMIT - before, 0, after - before)
    slope = np.divide(np.diff(recall), after - before, out=np.zeros_like(before), where=after > before)
    area = (width * (recall[:, :-1] + 0.5 * slope * width)).sum(axis=1)
    return np.where(defined, area / AUPRO_LIMIT, np.nan)


def dice_at(
    anomaly_maps: Sequence[np.ndarray], gt_masks: Sequence[np.ndarray], threshold: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Pooled Dice of the pixels above `threshold`: from weights `(R, N)` to `(R,)`."""
    pairs = [(values > threshold, mask) for values, mask in zip(anomaly_maps, gt_masks, strict=True)]
    common = np.array([(flagged & mask).sum() for flagged, mask in pairs], float)
    sizes = np.array([flagged.sum() + mask.sum() for flagged, mask in pairs], float)
    return lambda weights: _share(2 * weights @ common, weights @ sizes)


def share_of(flagged: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The share that is flagged: of normals the false-alarm rate, of anomalous images the sensitivity."""
    return lambda weights: _share(weights @ flagged.astype(float), weights.sum(axis=1))


IMAGE_METRICS: dict[str, Callable[[Levels], np.ndarray]] = {
    "image_auroc": auroc,
    "image_auprc": auprc,
    "image_fpr95": fpr95,
}
PIXEL_METRICS: dict[str, Callable[[Levels], np.ndarray]] = {
    "pixel_auprc": auprc,
    "pixel_best_dice": best_dice,
}
COMPONENT_METRICS: dict[str, Callable[[Levels], np.ndarray]] = {"pixel_aupro": aupro}


def _flagged(levels: Levels) -> tuple[np.ndarray, np.ndarray]:
    """Anomalous and normal weight at or above each level."""
    hits = np.cumsum(levels.anomalous[:, ::-1], axis=1)[:, ::-1]
    alarms = np.cumsum(levels.normal[:, ::-1], axis=1)[:, ::-1]
    return hits, alarms


def _histogram(values: np.ndarray, edges: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The weight of the values at or above each edge and below the next, `(L,)`; none is below the first."""
    places = np.searchsorted(edges, values.ravel(), side="right") - 1
    return np.bincount(places, weights, minlength=len(edges)).astype(float)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
