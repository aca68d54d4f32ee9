"""Distances that an image can have: what lies beyond overflows the arithmetic of whoever uses it later."""

from collections.abc import Iterable

import numpy as np

from imaging.errors import UnreadableImageError

# From the pixel of an electron microscope to the width of a country, in millimetres.
SPACING_MM = (1e-6, 1e6)
FARTHEST_MM = 1e7


def check_affine(affine: np.ndarray) -> None:
    """Refuse voxels of impossible size or place.

    Args:
        affine: `(4, 4)`, indices to millimetres.

    Raises:
        UnreadableImageError: a number is beyond the bounds of this module, or not finite.
    """
    check_places(affine[:3, 3])
    with np.errstate(over="ignore"):
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = SPACING_MM
    if not ((spacing >= low) & (spacing <= high)).all():
        words = " x ".join(f"{side:.3g}" for side in spacing)
        raise UnreadableImageError(
            f"the header says voxels of {words} mm, which cannot be; correct it and send the file again"
        )


def check_places(coordinates: Iterable[float]) -> None:
    """Refuse points that lie farther away than any scanner is.

    Raises:
        UnreadableImageError: one of them does.
    """
    farthest = max((abs(float(value)) for value in coordinates), default=0.0)
    if not farthest <= FARTHEST_MM:
        raise UnreadableImageError(
            f"the header places the image {farthest:.3g} mm away, which cannot be; correct it"
        )
