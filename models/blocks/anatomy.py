"""Where the body lies in an image, and in a chest X-ray the lungs, found by one threshold.

Source: Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979,
https://doi.org/10.1109/TSMC.1979.4310076; for the lungs the idea of Sato et al., 2022,
https://arxiv.org/abs/2205.04282: what is dark and not joined to the border.
"""

import torch
from torch import Tensor
from torch.nn import functional

BINS = 64


def foreground(images: Tensor) -> Tensor:
    """Where images `(B, C, H, W)` in [0, 1] are above their threshold, `(B, 1, H, W)` of 0 and 1."""
    grey = images.mean(dim=1, keepdim=True)
    return (grey > otsu_threshold(grey)[:, None, None, None]).to(images.dtype)


def lungs(images: Tensor) -> Tensor:
    """Where images are not above their threshold and the border cannot be reached, 0 and 1 as above."""
    dark = 1 - foreground(images)
    outside = dark.clone()
    outside[:, :, 1:-1, 1:-1] = 0
    # As many steps as the longer side reach around all but a maze.
    for _step in range(max(images.shape[2:])):
        outside = functional.max_pool2d(outside, 3, stride=1, padding=1) * dark
    return dark - outside


def otsu_threshold(grey: Tensor) -> Tensor:
    """The grey level `(B,)` that parts each of `(B, 1, H, W)` into the two most separate classes.

    An image of one grey level has no classes: its threshold is the level's bin.
    """
    bins = (grey.flatten(1) * BINS).long().clamp(0, BINS - 1)  # (B, H W)
    share = torch.full(bins.shape, 1 / bins.shape[1], dtype=torch.float64, device=grey.device)
    histogram = torch.zeros(len(bins), BINS, dtype=torch.float64, device=grey.device)
    histogram = histogram.scatter_add(1, bins, share)
    centres = (torch.arange(BINS, device=grey.device, dtype=torch.float64) + 0.5) / BINS
    below = histogram.cumsum(dim=1)
    moment = (histogram * centres).cumsum(dim=1)
    # Otsu's equation 18, the variance between the classes.
    variance = (moment[:, -1:] * below - moment) ** 2 / (below * (1 - below)).clamp(min=1e-12)
    return ((variance.argmax(dim=1) + 1) / BINS).to(grey.dtype)
