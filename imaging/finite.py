"""Pixels without a value, given the lowest real one."""

import numpy as np

from imaging.errors import UnreadableImageError


def fill_gaps(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Replace what is not finite by the lowest finite value; also say how many pixels that were.

    Raises:
        UnreadableImageError: no pixel is finite.
    """
    is_gap = ~np.isfinite(values)
    gaps = int(np.count_nonzero(is_gap))
    if gaps == values.size:
        raise UnreadableImageError(
            "no pixel of the image has a value: all are padding or not finite; send another"
        )
    if not gaps:
        return values, 0
    lowest = values.min(where=~is_gap, initial=np.inf)
    return np.where(is_gap, lowest, values), gaps


def gap_warning(gaps: int) -> str:
    return f"{gaps:,} pixels were not finite; they take the lowest value of the image"
