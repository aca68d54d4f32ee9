"""Resampling along one axis of a volume, as a sparse matrix of weights.

Source: Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981, with a = -1/2; the linear
kernel is a triangle. Against aliasing a kernel is widened by as much as the grid gets coarser, as in Pillow.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

Interpolation = Literal["nearest", "linear", "cubic"]


def weights(
    places: np.ndarray, count: int, *, interpolation: Interpolation, widening: float = 1.0
) -> csr_matrix:
    """The matrix `(len(places), count)` that reads `count` voxels at `places`, each row with the sum 1.

    Args:
        places: Where to read, in voxels; what lies beyond the ends is read at the ends.
        widening: Voxels that a kernel's unit stretches over; 1 where the grid does not get coarser.
    """
    inside = np.clip(np.asarray(places, np.float64), 0, count - 1)
    if interpolation == "nearest":
        columns = np.floor(inside + 0.5).astype(int)[:, None]
        values = np.ones(columns.shape)
    else:
        kernel, reach = _KERNELS[interpolation]
        half = int(np.ceil(reach * widening))
        columns = np.floor(inside).astype(int)[:, None] + np.arange(1 - half, half + 1)
        values = kernel(np.abs(columns - inside[:, None]) / widening)
        values = np.where((columns >= 0) & (columns < count), values, 0)
        values /= values.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(inside)), columns.shape[1])
    entries = (values.astype(np.float32).ravel(), (rows, columns.clip(0, count - 1).ravel()))
    matrix = csr_matrix(entries, shape=(len(inside), count), dtype=np.float32)
    matrix.eliminate_zeros()
    return matrix


def along(volume: np.ndarray, axis: int, matrix: csr_matrix) -> np.ndarray:
    """The volume `(D, H, W)` with the matrix applied along an axis; float32, plane by plane."""
    shape = list(volume.shape)
    shape[axis] = matrix.shape[0]
    out = np.empty(shape, np.float32)
    if axis == 0:
        for row in range(volume.shape[1]):
            out[:, row] = matrix @ np.ascontiguousarray(volume[:, row], np.float32)
        return out
    for plane, target in zip(volume, out, strict=True):
        turned = plane if axis == 1 else plane.T
        read = matrix @ np.ascontiguousarray(turned, np.float32)
        target[...] = read if axis == 1 else read.T
    return out


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(1 - distance, 0, None))


def _keys(distance: np.ndarray) -> np.ndarray:
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


_KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "linear": (_triangle, 1),
    "cubic": (_keys, 2),
}
