"""Histograms of gradient directions in overlapping cells: what shape is there, whatever its brightness.

Source: Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, 2005,
https://doi.org/10.1109/CVPR.2005.177. Differs from the paper: directions are counted softly, by the squared
cosine of what lies within a right angle; counts are square-rooted and the image normalised as a whole.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

DIRECTIONS = 8
LEAST = 1e-3


def gradient_histograms(images: Tensor, cells: int) -> Tensor:
    """`(B, C, H, W)` to `(B, 8 C, cells - 1, cells - 1)`, of length 1; cells overlap.

    H and W are multiples of `cells`.
    """
    height, width = images.shape[2:]
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]  # (B, C, H, W)
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    length = (across**2 + down**2 + LEAST**2).sqrt()
    angles = [2 * math.pi * number / DIRECTIONS for number in range(DIRECTIONS)]
    turned = [across * math.cos(angle) + down * math.sin(angle) for angle in angles]
    counts = torch.cat([functional.relu(part) ** 2 / length for part in turned], dim=1)
    step = (height // cells, width // cells)
    pooled = functional.avg_pool2d(counts, (2 * step[0], 2 * step[1]), stride=step)
    # A number below any edge keeps a flat image finite.
    roots = (pooled + LEAST**2).sqrt() - LEAST
    norm = (roots**2).sum(dim=(1, 2, 3), keepdim=True).sqrt()
    return roots / (norm + LEAST)
