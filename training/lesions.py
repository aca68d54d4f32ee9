"""Lesions found, lesions missed and false alarms: a map above a threshold beside a reference, by region.

A lesion is a connected component of the reference (corners join) and is found if a single voxel of it lies in
a region of the map; a region that touches no lesion is a false alarm. So counted in Nair et al., 2020,
https://doi.org/10.1016/j.media.2019.101557. One region may find several lesions.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

# Upper bounds in mm³ of a lesion's size class.
SIZE_CLASSES = {"up to 10 mm³": 10.0, "11 to 50 mm³": 50.0, "above 50 mm³": float("inf")}


@dataclass(frozen=True)
class LesionCount:
    """By size class, how many lesions there are and were found; and the regions that are none."""

    lesions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZE_CLASSES, 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZE_CLASSES, 0))
    false_alarms: int = 0

    def __add__(self, other: "LesionCount") -> "LesionCount":
        return LesionCount(
            {name: count + other.lesions[name] for name, count in self.lesions.items()},
            {name: count + other.found[name] for name, count in self.found.items()},
            self.false_alarms + other.false_alarms,
        )


def count_lesions(
    pred_mask: np.ndarray, gt_mask: np.ndarray, *, voxel_mm3: float, min_voxels: int = 1
) -> LesionCount:
    """Compare two masks `(D, H, W)`; regions of the first below `min_voxels` do not count at all."""
    regions = _regions(pred_mask)
    sizes = np.bincount(regions.ravel())
    is_counted = sizes >= min_voxels
    is_counted[0] = False
    predicted = is_counted[regions]
    lesions = _regions(gt_mask)
    lesion_sizes = np.bincount(lesions.ravel())[1:] * voxel_mm3
    touched = np.unique(lesions[predicted & gt_mask])
    result = LesionCount(false_alarms=int(is_counted.sum() - len(np.unique(regions[predicted & gt_mask]))))
    for number, size in enumerate(lesion_sizes, start=1):
        name = next(name for name, limit in SIZE_CLASSES.items() if size <= limit)
        result.lesions[name] += 1
        result.found[name] += int(number in touched)
    return result


def _regions(mask: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.label(mask, structure=np.ones((3,) * mask.ndim))[0])
