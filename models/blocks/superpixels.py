"""Superpixels with soft borders: pixels that lie near and look alike belong together.

Source: Jampani et al., Superpixel Sampling Networks, 2018, https://arxiv.org/abs/1807.10174, equations 2 and
3, the smooth form of SLIC, Achanta et al., 2012, https://doi.org/10.1109/TPAMI.2012.120. With pixels p of
grey and place, and centres that start on a grid of cells,

    share_pk = softmax over k of -sharpness |p - c_k|²,   c_k <- sum_p share_pk p / sum_p share_pk,

so that rounding moves no pixel from one superpixel to another. Differs from the papers: every pixel sees all
centres, not the nine about it.
"""

import torch
from torch import Tensor
from torch.nn import functional

ITERATIONS = 5
# Of a difference of grey of 1 against a distance of one cell.
GREY_WEIGHT = 10.0
SHARPNESS = 4.0


def superpixel_means(values: Tensor, images: Tensor, *, cell: int) -> Tensor:
    """Each pixel's mean of `values` `(B, 1, H, W)` over its superpixels in `images` `(B, C, H, W)`.

    Args:
        cell: Pixels a side of the grid's cells; H and W are multiples of it.
    """
    batch, _one, height, width = values.shape
    share = _shares(images, cell)  # (B, H W, K)
    flat = values.reshape(batch, height * width, 1)
    total = share.sum(dim=1)[:, :, None] + 1e-6  # (B, K, 1)
    means = share.transpose(1, 2) @ flat / total
    return (share @ means).reshape(batch, 1, height, width)


def _shares(images: Tensor, cell: int) -> Tensor:
    """How far every pixel belongs to every superpixel, `(B, H W, K)`; sums to 1."""
    batch, _channels, height, width = images.shape
    rows = torch.arange(height, device=images.device, dtype=images.dtype) / cell
    columns = torch.arange(width, device=images.device, dtype=images.dtype) / cell
    grey = GREY_WEIGHT * images.mean(dim=1, keepdim=True)
    place = torch.stack([rows[:, None].expand(height, width), columns.expand(height, width)])
    pixels = torch.cat([grey, place[None].expand(batch, 2, height, width)], dim=1)  # (B, 3, H, W)
    centres = functional.avg_pool2d(pixels, cell).flatten(2).transpose(1, 2)  # (B, K, 3)
    points = pixels.flatten(2).transpose(1, 2)  # (B, H W, 3)
    share = _belonging(points, centres)
    for _iteration in range(ITERATIONS):
        centres = share.transpose(1, 2) @ points / (share.sum(dim=1)[:, :, None] + 1e-6)
        share = _belonging(points, centres)
    return share


def _belonging(points: Tensor, centres: Tensor) -> Tensor:
    # One axis after the other: |p|² - 2pc + |c|² would round away the small distances that decide.
    axes = zip(points.unbind(dim=2), centres.unbind(dim=2), strict=True)
    apart = sum(((place[:, :, None] - centre[:, None]) ** 2 for place, centre in axes), torch.zeros(()))
    return torch.softmax(-SHARPNESS * apart, dim=2)
