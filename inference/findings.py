"""Regions of an anomaly map above its threshold, in voxels and in millimetres."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

MAX_FINDINGS = 50


@dataclass(frozen=True)
class Finding:
    """One connected region; indices are `(column, row, slice)`, boxes are inclusive.

    Millimetres are LPS, and None where the image has no geometry. `size_mm` is an area in mm² for a single
    slice and a volume in mm³ for several.
    """

    box_voxels: tuple[tuple[int, int, int], tuple[int, int, int]]
    box_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    centroid_voxels: tuple[float, float, float]
    centroid_mm: tuple[float, float, float] | None
    size_voxels: int
    size_mm: float | None
    peak: float
    mean: float


def find_regions(
    anomaly_map: np.ndarray, *, threshold: float, affine: np.ndarray | None, min_voxels: int = 1
) -> list[Finding]:
    """The regions of `anomaly_map` `(D, H, W)` above `threshold`, the highest peak first.

    Args:
        affine: `(column, row, slice)` to LPS millimetres; None where the image has no geometry.
        min_voxels: Smaller regions are left out; at most `MAX_FINDINGS` are returned.
    """
    labels = _labelled(anomaly_map > threshold)
    place = None if affine is None else _Place(affine, _voxel_mm(affine, depth=anomaly_map.shape[0]))
    findings = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = labels[box] == number
        if int(inside.sum()) >= min_voxels:
            findings.append(_finding(anomaly_map[box], inside, box, threshold=threshold, place=place))
    findings.sort(key=lambda finding: finding.peak, reverse=True)
    return findings[:MAX_FINDINGS]


def _labelled(above: np.ndarray) -> np.ndarray:
    """The regions of `(D, H, W)` numbered from 1; corners join."""
    if len(above) == 1:  # in the plane it takes half the time
        return np.asarray(ndimage.label(above[0], structure=np.ones((3, 3)))[0])[None]
    return np.asarray(ndimage.label(above, structure=np.ones((3, 3, 3)))[0])


@dataclass(frozen=True)
class _Place:
    affine: np.ndarray  # (4, 4)
    voxel_mm: float  # mm² in a single slice, else mm³


def _voxel_mm(affine: np.ndarray, *, depth: int) -> float:
    if depth == 1:  # the third axis is the slice's thickness, if it is known at all
        return float(np.linalg.norm(np.cross(affine[:3, 0], affine[:3, 1])))
    return float(abs(np.linalg.det(affine[:3, :3])))


def _finding(
    values: np.ndarray,
    inside: np.ndarray,
    box: tuple[slice, slice, slice],
    *,
    threshold: float,
    place: _Place | None,
) -> Finding:
    start = np.array([part.start for part in box])
    stop = np.array([part.stop - 1 for part in box])
    # The height above the threshold, not the outline, says where the middle is.
    centre = np.array(ndimage.center_of_mass(np.where(inside, values - threshold, 0.0))) + start
    size = int(inside.sum())
    first, last, middle = start[::-1], stop[::-1], centre[::-1]  # (D, H, W) to (column, row, slice)
    box_mm = centroid_mm = size_mm = None
    if place is not None:
        corners = _world(place.affine, np.array(np.meshgrid(*zip(first, last, strict=True))).reshape(3, -1).T)
        box_mm = (_triple(corners.min(axis=0)), _triple(corners.max(axis=0)))
        centroid_mm = _triple(_world(place.affine, middle[None])[0])
        size_mm = size * place.voxel_mm
    return Finding(
        box_voxels=(
            (int(first[0]), int(first[1]), int(first[2])),
            (int(last[0]), int(last[1]), int(last[2])),
        ),
        box_mm=box_mm,
        centroid_voxels=_triple(middle),
        centroid_mm=centroid_mm,
        size_voxels=size,
        size_mm=size_mm,
        peak=float(values[inside].max()),
        mean=float(values[inside].mean()),
    )


def _world(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.asarray(points @ affine[:3, :3].T + affine[:3, 3])


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
