"""A U-Net of weight-standardised convolutions, group normalisation and swish.

Source: Ronneberger et al., 2015, https://arxiv.org/abs/1505.04597; weight standardisation: Qiao et al., 2019,
https://arxiv.org/abs/1903.10520, as Kascenas et al. (2022) combine them.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional


class StandardisedConv(nn.Conv2d):
    """A 3x3 convolution whose filters have mean 0 and variance 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        flat = self.weight.flatten(1)
        spread = (flat.var(dim=1, unbiased=False) + 1e-5).sqrt()
        weight = (flat - flat.mean(dim=1, keepdim=True)) / spread[:, None]
        return functional.conv2d(features, weight.view_as(self.weight), self.bias, padding=1)


class UNet(nn.Module):
    """`(B, inputs, H, W)` to `(B, outputs, H, W)`; H and W are multiples of `2 ** depth`.

    Level k, counted from 0, has `width * 2 ** k` channels; there are `depth + 1` levels.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, depth: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(_block(a, b) for a, b in zip([inputs, *widths], widths, strict=False))
        self.merge = nn.ModuleList(
            _block(deep + shallow, shallow) for shallow, deep in itertools.pairwise(widths)
        )
        self.head = nn.Conv2d(width, outputs, 1)

    def forward(self, images: Tensor) -> Tensor:
        skips: list[Tensor] = []
        features = images
        for level, block in enumerate(self.down):
            features = block(functional.avg_pool2d(features, 2) if level else features)
            skips.append(features)
        skips.pop()
        for block in reversed(self.merge):
            # Nearest-neighbour doubling: its gradient stays a plain pooling when it is traced for export.
            wide = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([wide, skips.pop()], dim=1))
        return self.head(features)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    groups = min(8, outputs)
    return nn.Sequential(
        StandardisedConv(inputs, outputs),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
        StandardisedConv(outputs, outputs),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
    )
