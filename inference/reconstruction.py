"""What the network saw of an image and what it made of it, a plane for each slice, to be looked at."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reconstruction:
    """Planes of the first contrast, of the slice itself where the network sees its neighbours too."""

    seen: np.ndarray  # (D, h, w) float32
    made: np.ndarray  # (D, h, w) float16 or float32
