"""A perceptually uniform colour scale that colour-blind readers can follow.

Source: "inferno" by Nathaniel Smith and Stéfan van der Walt, https://bids.github.io/colormap/, CC0; eleven
of its 256 colours, linear between them.
"""

import numpy as np

_ANCHORS = np.array(
    [
        (0, 0, 4),
        (22, 11, 57),
        (66, 10, 104),
        (106, 23, 110),
        (147, 38, 103),
        (188, 55, 84),
        (221, 81, 58),
        (243, 120, 25),
        (252, 165, 10),
        (246, 215, 70),
        (252, 255, 164),
    ],
    np.float32,
)


def inferno(values: np.ndarray) -> np.ndarray:
    """Colour values in [0, 1] of any shape: float32 red, green, blue in [0, 255] on a last axis."""
    stops = np.linspace(0, 1, len(_ANCHORS))
    channels = [np.interp(values, stops, _ANCHORS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)
