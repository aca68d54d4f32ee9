"""Where the head, the body or the brain is in a volume, by thresholds and shapes alone.

Source: our own rules of thumb around Otsu's threshold (1979, https://doi.org/10.1109/TSMC.1979.4310076).
`head` is all that is brighter than air; `body` the same without what touches it thinly, such as a table;
`brain` what is left of the head when all that hangs on it by a thin bridge is taken off: in MR dark bone lies
around the brain. It is no skull-stripping: it keeps dura and eyes at times, loses thin gyri, and knows
nothing of CT. Everything is found on a grid of about 2 mm, whatever the volume's.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from inference.kernels import along, weights

GRID_MM = 2.0
# Distances to the outside take some fifty bytes a voxel.
GRID_VOXELS = 256
# Grey matter and fluid belong to the head: it begins half-way from air to the threshold of its bright half.
HEAD_SHARE = 0.5
BODY_BRIDGE_MM = 4.0
BRAIN_SHARE = 0.9
BRAIN_BRIDGE_MM = 4.0
BRAIN_CLOSING_MM = 8.0
# Metal and vessels must not set the threshold of everything else.
BRIGHTEST = 99.5


def find_region(volume: np.ndarray, region: str, *, spacing: Sequence[float]) -> np.ndarray:
    """The region's mask `(D, H, W)` bool; empty where nothing stands out.

    Args:
        region: head, body or brain.
        spacing: Millimetres along depth, height and width.
    """
    coarse, grid_mm = _coarse(volume, spacing)
    bright = np.minimum(coarse, np.percentile(coarse, BRIGHTEST))
    if bright.max() <= bright.min():
        return np.zeros(volume.shape, bool)
    found = _REGIONS[region](bright, grid_mm)
    return _fine(np.asarray(found), volume.shape)


def _head(volume: np.ndarray, _grid_mm: np.ndarray) -> np.ndarray:
    return _largest(_filled(_above(volume, HEAD_SHARE)))  # the scalp alone may go round the rest


def _body(volume: np.ndarray, grid_mm: np.ndarray) -> np.ndarray:
    bright = _filled(_above(volume, HEAD_SHARE))
    return _filled(_without_bridges(bright, BODY_BRIDGE_MM, grid_mm))


def _brain(volume: np.ndarray, grid_mm: np.ndarray) -> np.ndarray:
    core = _without_bridges(_above(volume, BRAIN_SHARE), BRAIN_BRIDGE_MM, grid_mm)
    grown = _nearer(~core, BRAIN_CLOSING_MM, grid_mm)
    return np.asarray(_filled(_further(grown, BRAIN_CLOSING_MM, grid_mm)) & _head(volume, grid_mm))


_REGIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "head": _head,
    "body": _body,
    "brain": _brain,
}


def _above(volume: np.ndarray, share: float) -> np.ndarray:
    """What lies above a share of the way from air to the middle between dark and bright."""
    is_bright = volume > threshold_otsu(volume)
    # Between modes that lie far apart Otsu's threshold is the first of many that are as good.
    middle = (float(volume[is_bright].mean()) + float(volume[~is_bright].mean())) / 2
    air = float(np.median(volume[~is_bright]))
    return np.asarray(volume > air + share * (middle - air))


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))


def _filled(mask: np.ndarray) -> np.ndarray:
    """Holes filled slice by slice: a lung is open where the volume ends."""
    return np.stack([ndimage.binary_fill_holes(plane) for plane in mask])


def _without_bridges(mask: np.ndarray, bridge_mm: float, grid_mm: np.ndarray) -> np.ndarray:
    """The largest part that remains when bridges twice as wide are cut, and the mask around it."""
    core = _largest(_further(mask, bridge_mm, grid_mm))
    return mask & _nearer(~core, 1.5 * bridge_mm, grid_mm) if core.any() else core


def _further(mask: np.ndarray, distance_mm: float, grid_mm: np.ndarray) -> np.ndarray:
    """What of the mask lies further than so much from its outside; the volume's end is no outside."""
    if mask.all():
        return mask
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=grid_mm) > distance_mm)


def _nearer(outside: np.ndarray, distance_mm: float, grid_mm: np.ndarray) -> np.ndarray:
    """What lies no further than so much from where `outside` is false."""
    if outside.all():
        return ~outside
    return np.asarray(ndimage.distance_transform_edt(outside, sampling=grid_mm) <= distance_mm)


def _coarse(volume: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The volume on about 2 mm and at most 256 voxels a side, and its true millimetres along each axis."""
    factors = [
        max(1.0, GRID_MM / value, count / GRID_VOXELS)
        for value, count in zip(spacing, volume.shape, strict=True)
    ]
    counts = [max(1, round(count / factor)) for count, factor in zip(volume.shape, factors, strict=True)]
    coarse = np.asarray(volume, np.float32)
    for axis in (1, 2, 0):
        places, widening = _evenly(volume.shape[axis], counts[axis])
        if widening != 1:
            matrix = weights(places, volume.shape[axis], interpolation="linear", widening=widening)
            coarse = along(coarse, axis, matrix)
    ratio = np.array(volume.shape) / np.array(counts)
    return coarse, ratio * np.asarray(spacing, float)


def _fine(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    laid = mask.astype(np.float32)
    for axis in (0, 2, 1):
        if laid.shape[axis] != shape[axis]:
            places, _ratio = _evenly(mask.shape[axis], shape[axis])
            laid = along(laid, axis, weights(places, mask.shape[axis], interpolation="linear"))
    return np.asarray(laid > 0.5)


def _evenly(count: int, asked: int) -> tuple[np.ndarray, float]:
    """Where `asked` voxels of one size lie among `count`, and how many of these each is wide."""
    ratio = count / asked
    return (np.arange(asked) + 0.5) * ratio - 0.5, ratio
