"""Where the body is in a picture, and how much of an anomaly map lies beside it.

Source: our own rule. The surroundings are what is dark and reaches the edge of the picture: air around a
head, the black beside a chest or a breast. Dark lungs inside of the chest are body.
"""

import numpy as np
from scipy import ndimage

from imaging.image import Image

# As dark as the lowest tenth of the range from the darkest pixel to the 99th percentile.
DARK = 0.1


def body_mask(plane: np.ndarray) -> np.ndarray:
    """The largest region of a plane `(H, W)` that is no surroundings; all of it where nothing is dark.

    A marker beside the body, such as a letter burnt in, is not of the body.
    """
    low, high = float(plane.min()), float(np.percentile(plane, 99))
    dark, _count = ndimage.label(plane <= low + DARK * (high - low))
    edge = np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]])
    surroundings = np.isin(dark, np.unique(edge[edge > 0]))
    regions, count = ndimage.label(~surroundings)
    if count == 0:
        return np.ones(plane.shape, bool)
    return np.asarray(regions == 1 + int(np.argmax(np.bincount(regions.ravel())[1:])))


def outside_body(image: Image, anomaly_map: np.ndarray) -> tuple[float, float]:
    """The share of the map's sum `(D, H, W)`, and of the picture, that lies outside the body.

    A map that goes below 0 is counted from its lowest value; an empty one has nothing anywhere: nan.
    """
    outside = ~np.stack([body_mask(part.mean(axis=0)) for part in image.slices])
    mass = anomaly_map - min(0.0, float(anomaly_map.min()))
    total = float(mass.sum())
    share = float(mass[outside].sum()) / total if total > 0 else float("nan")
    return share, float(outside.mean())
