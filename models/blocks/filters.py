"""Fixed image filters made of plain tensor operations, so that they export."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Blur `(B, C, H, W)` with a separable Gaussian of `sigma` pixels, edges repeated."""
    radius = max(1, math.ceil(3 * sigma))
    steps = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    channels = images.shape[1]
    padded = functional.pad(images, (radius, radius, radius, radius), mode="replicate")
    rows = functional.conv2d(padded, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return functional.conv2d(rows, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)


def median_filter(maps: Tensor, size: int) -> Tensor:
    """Median of the `size` x `size` neighbourhood (odd) of every pixel of `(B, 1, H, W)`, edges repeated."""
    radius = size // 2
    height, width = maps.shape[2:]
    padded = functional.pad(maps, (radius, radius, radius, radius), mode="replicate")
    shifted = [padded[:, :, y : y + height, x : x + width] for y in range(size) for x in range(size)]
    neighbours = torch.cat(shifted, dim=1)  # (B, size², H, W)
    return torch.topk(neighbours, size * size // 2 + 1, dim=1).values[:, -1:]
