"""The networks of progressively grown GANs, which learn coarse images first and then finer ones.

Source: Karras et al., Progressive Growing of GANs, 2018, https://arxiv.org/abs/1710.10196: layers whose
weights are drawn from N(0, 1) and scaled by He's constant at each use, pixel-wise normalisation in the
generator, the standard deviation over the batch shown to the critic, and levels that fade in.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.method import InputShape

SLOPE = 0.2


class ProgressiveGenerator(nn.Module):
    """Latent `(B, latent)` to images of one of the levels, unbounded but meant for [-1, 1].

    Level k has `widths[k]` channels and sides `2 ** k` times those of level 0; the last is the image's own.
    Only a latent's direction counts.
    """

    def __init__(self, shape: InputShape, latent: int, widths: Sequence[int]) -> None:
        super().__init__()
        doublings = len(widths) - 1
        self.start = (widths[0], shape.height >> doublings, shape.width >> doublings)
        # A gain of a quarter, as in the authors' code.
        self.expand = EqualisedLinear(latent, math.prod(self.start), gain=math.sqrt(2) / 4)
        self.first = EqualisedConv(widths[0], widths[0], 3)
        self.blocks = nn.ModuleList(_Up(before, after) for before, after in itertools.pairwise(widths))
        self.heads = nn.ModuleList(EqualisedConv(width, shape.channels, 1, gain=1) for width in widths)

    def forward(self, latent: Tensor, level: int, share: float = 1.0) -> Tensor:
        """Images of `level`; below a share of 1 the rest is the level before, enlarged."""
        features = _normed(self.expand(_normed(latent)).unflatten(1, self.start))
        features = _normed(_leaky(self.first(features)))
        before = features
        for block in self.blocks[:level]:
            before, features = features, block(features)
        images = self.heads[level](features)
        if share < 1:
            images = torch.lerp(double(self.heads[level - 1](before)), images, share)
        return images


class ProgressiveCritic(nn.Module):
    """Images of one of the generator's levels, in [-1, 1], to `(B, outputs)`; an encoder is the same.

    With `deviation` the coarsest features get a channel that says how much they differ within the batch.
    """

    def __init__(self, shape: InputShape, outputs: int, widths: Sequence[int], *, deviation: bool) -> None:
        super().__init__()
        doublings = len(widths) - 1
        flat = widths[0] * (shape.height >> doublings) * (shape.width >> doublings)
        self.stems = nn.ModuleList(EqualisedConv(shape.channels, width, 1) for width in widths)
        self.blocks = nn.ModuleList(_Down(before, after) for after, before in itertools.pairwise(widths))
        self.last = EqualisedConv(widths[0] + deviation, widths[0], 3)
        self.join = EqualisedLinear(flat, widths[0])
        self.head = EqualisedLinear(widths[0], outputs, gain=1)
        self.deviation = deviation

    def forward(self, images: Tensor, level: int, share: float = 1.0) -> Tensor:
        """What it says of images of `level`; below a share of 1 the rest is seen at the level before."""
        features = _leaky(self.stems[level](images))
        for place in reversed(range(level)):
            features = self.blocks[place](features)
            if share < 1 and place == level - 1:
                features = torch.lerp(_leaky(self.stems[place](halve(images))), features, share)
        if self.deviation:
            features = torch.cat([features, _deviation(features)], dim=1)
        features = _leaky(self.join(_leaky(self.last(features)).flatten(1)))
        return self.head(features)


class EqualisedConv(nn.Conv2d):
    """A convolution that keeps the sides, its weights scaled to a variance of gain² / inputs at each use."""

    def __init__(self, inputs: int, outputs: int, size: int, *, gain: float = math.sqrt(2)) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2)
        _start(self)
        self.scale = gain / math.sqrt(inputs * size**2)

    def forward(self, features: Tensor) -> Tensor:
        return functional.conv2d(features, self.weight * self.scale, self.bias, padding=self.padding)


class EqualisedLinear(nn.Linear):
    """A fully connected layer, scaled likewise."""

    def __init__(self, inputs: int, outputs: int, *, gain: float = math.sqrt(2)) -> None:
        super().__init__(inputs, outputs)
        _start(self)
        self.scale = gain / math.sqrt(inputs)

    def forward(self, features: Tensor) -> Tensor:
        return functional.linear(features, self.weight * self.scale, self.bias)


class _Up(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_1 = EqualisedConv(inputs, outputs, 3)
        self.conv_2 = EqualisedConv(outputs, outputs, 3)

    def forward(self, features: Tensor) -> Tensor:
        features = _normed(_leaky(self.conv_1(double(features))))
        return _normed(_leaky(self.conv_2(features)))


class _Down(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_1 = EqualisedConv(inputs, inputs, 3)
        self.conv_2 = EqualisedConv(inputs, outputs, 3)

    def forward(self, features: Tensor) -> Tensor:
        return halve(_leaky(self.conv_2(_leaky(self.conv_1(features)))))


def double(images: Tensor) -> Tensor:
    """Every pixel of `(B, C, H, W)` becomes four."""
    return functional.interpolate(images, scale_factor=2.0, mode="nearest")


def halve(images: Tensor) -> Tensor:
    """Every four pixels of `(B, C, H, W)` become their mean."""
    return functional.avg_pool2d(images, 2)


def _leaky(features: Tensor) -> Tensor:
    return functional.leaky_relu(features, SLOPE)


def _normed(features: Tensor) -> Tensor:
    """Each pixel's channels, or a latent, at a mean square of 1."""
    return features * ((features**2).mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def _deviation(features: Tensor) -> Tensor:
    """The mean of all features' standard deviations over the batch, in every place: `(B, 1, h, w)`."""
    spread = (features.var(dim=0, correction=0) + 1e-8).sqrt().mean()
    return spread.expand_as(features[:, :1])


def _start(layer: nn.Conv2d | nn.Linear) -> None:
    nn.init.normal_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one
