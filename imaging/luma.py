"""Colour to grey."""

import numpy as np

# Rec. ITU-R BT.601 luma, the Y of DICOM's YBR_FULL (PS3.3 C.7.6.3.1.2).
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


def luma(colours: np.ndarray) -> np.ndarray:
    """Weigh `(..., 3)` red, green and blue into float32 grey `(...)`, in the same unit."""
    grey: np.ndarray = np.asarray(colours[..., :3], np.float32) @ _WEIGHTS
    return grey
