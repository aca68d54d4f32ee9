"""Rescaled values to displayed grey: the VOI window or LUT, as a reading station applies it.

Source: PS3.3 C.11.2.1.1 to C.11.2.1.3.
"""

import numpy as np

from imaging.errors import UnsupportedImageError
from imaging.image import LookupTable, Window


def apply_voi(values: np.ndarray, voi: Window | LookupTable | None) -> np.ndarray:
    """Map rescaled values of any shape to float32 grey in [0, 1]; without a VOI, lowest to highest.

    Raises:
        UnsupportedImageError: the width is below 1 (LINEAR), or not above 0 (C.11.2.1.2.1 and C.11.2.1.3).
    """
    if isinstance(voi, LookupTable):
        return _look_up(values, voi)
    if isinstance(voi, Window):
        return apply_window(values, voi)
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 1.0
    stretched: np.ndarray = ((values - low) / span).astype(np.float32)
    return stretched


def apply_window(values: np.ndarray, window: Window) -> np.ndarray:
    """Map rescaled values to [0, 1] by one window, see `apply_voi`."""
    if not is_valid(window):
        raise UnsupportedImageError(f"a {window.function} window cannot be {window.width:g} wide; widen it")
    offset = np.asarray(values, np.float32) - np.float32(window.center)
    if window.function == "SIGMOID":
        # The exponent is kept where float32 holds it; beyond, the curve is flat anyway.
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * offset / window.width, -80, 80))), np.float32)
    if window.function == "LINEAR_EXACT":
        return np.asarray(np.clip(offset / window.width + 0.5, 0, 1), np.float32)
    # The standard's linear function is defined on width - 1 and centre - 0.5 (C.11.2.1.2.1).
    span = max(window.width - 1, 1e-30)  # a width of 1 is a step
    with np.errstate(over="ignore"):
        return np.asarray(np.clip((offset + 0.5) / span + 0.5, 0, 1), np.float32)


def is_valid(window: Window) -> bool:
    """Whether the standard allows that width for that function."""
    return window.width >= 1 if window.function == "LINEAR" else window.width > 0


def mirror(voi: Window | LookupTable | None, around: float) -> Window | LookupTable | None:
    """The VOI for values `around - v`, so that they display as the inverse of what `v` did."""
    if isinstance(voi, LookupTable):
        last = voi.first + len(voi.values) - 1
        return LookupTable(around - last, 1 - voi.values[::-1])
    if isinstance(voi, Window):
        # LINEAR is centred on centre - 0.5 (C.11.2.1.2.1), which moves to the other side.
        shift = 1.0 if voi.function == "LINEAR" else 0.0
        return Window(around - voi.center + shift, voi.width, voi.function)
    return None


def _look_up(values: np.ndarray, table: LookupTable) -> np.ndarray:
    # Values outside the table take its ends (C.11.2.1.1).
    indices = np.clip(np.rint(values - table.first), 0, len(table.values) - 1).astype(np.intp)
    return np.asarray(table.values[indices], np.float32)
