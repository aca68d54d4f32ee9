"""The bias-free LeNet that the one-class methods share, and the mirrored decoder that trains it first.

Source: Ruff et al., Deep One-Class Classification, 2018, http://proceedings.mlr.press/v80/ruff18a.html, and
the authors' code, https://github.com/lukasruff/Deep-SVDD-PyTorch. No bias, no bounded activation and no
learned scale: any of them lets a network answer every image with the centre. The slope is the paper's (the
PyTorch code has torch's 0.01, and reaches less).
"""

import itertools
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.method import InputShape

# The side of the grid that a representation is laid on, and the smallest on which the last block ends.
GRID = 4
SLOPE = 0.1
# Where a written-out gradient would jump it climbs over this much: rounding, which an exported graph does in
# another order, must not choose a side. The normed features spread about 1.
CORNER = 1e-2


class LeNetEncoder(nn.Module):
    """Images `(B, C, H, W)` to `(B, outputs)`; every block halves H and W."""

    def __init__(self, shape: InputShape, outputs: int, *, widths: Sequence[int]) -> None:
        super().__init__()
        height, width = _end(shape, widths)
        self.blocks = nn.Sequential(
            *(_Down(before, after) for before, after in itertools.pairwise([shape.channels, *widths]))
        )
        self.head = nn.Linear(widths[-1] * height * width, outputs, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(images).flatten(1))

    def gradient(self, images: Tensor, upstream: Tensor) -> Tensor:
        """The gradient at `images` of the outputs' sum, each weighed by `upstream` `(B, outputs)`.

        Only in evaluation mode. Written out instead of asked of autograd, so that it exports and traces as
        plain operations.
        """
        blocks: list[Any] = list(self.blocks)  # torch types them as bare modules
        inputs = [images]
        for block in blocks:
            inputs.append(block(inputs[-1]))
        gradient = (upstream @ self.head.weight).view_as(inputs.pop())
        for block in reversed(blocks):
            gradient = block.gradient(inputs.pop(), gradient)
        return gradient


class LeNetDecoder(nn.Module):
    """Vectors `(B, inputs)`, inputs a multiple of 16, to images `(B, C, H, W)` in [0, 1]."""

    def __init__(self, shape: InputShape, inputs: int, *, widths: Sequence[int]) -> None:
        super().__init__()
        if inputs % GRID**2:
            raise ValueError(f"a LeNet's decoder needs a multiple of {GRID**2} numbers; it is given {inputs}")
        planes = inputs // GRID**2
        self.blocks = nn.Sequential(
            nn.Unflatten(1, (planes, GRID, GRID)),
            nn.LeakyReLU(SLOPE),
            nn.Upsample(size=_end(shape, widths), mode="nearest"),
            *(_up(before, after) for before, after in itertools.pairwise([planes, *widths[::-1]])),
            _convolution(widths[0], shape.channels),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight, gain=nn.init.calculate_gain("leaky_relu"))

    def forward(self, latent: Tensor) -> Tensor:
        return torch.sigmoid(self.blocks(latent))


def lenet_widths(shape: InputShape) -> tuple[int, ...]:
    """The channels of the blocks: the paper's for MNIST and CIFAR-10, more blocks for larger images."""
    side = min(shape.height, shape.width)
    if side <= 32:
        return (8, 4) if shape.channels == 1 else (32, 64, 128)
    halvings = (side // GRID).bit_length() - 1
    return tuple(min(8 * 2**level, 128) for level in range(halvings))


def lenet_outputs(shape: InputShape) -> int:
    """The length of the representation: the paper's for MNIST, and for all else CIFAR-10's."""
    return 32 if shape.channels == 1 and min(shape.height, shape.width) <= 32 else 128


def _end(shape: InputShape, widths: Sequence[int]) -> tuple[int, int]:
    halved = 2 ** len(widths)
    if not widths or shape.height % halved or shape.width % halved:
        raise ValueError(
            f"a LeNet of {len(widths)} blocks needs sides that are multiples of {halved}; "
            f"they are {shape.height} x {shape.width}"
        )
    return shape.height // halved, shape.width // halved


class _Down(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = _convolution(inputs, outputs)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-4, affine=False)

    def forward(self, features: Tensor) -> Tensor:
        return functional.max_pool2d(functional.leaky_relu(self.norm(self.convolution(features)), SLOPE), 2)

    def gradient(self, features: Tensor, upstream: Tensor) -> Tensor:
        """Pixels that are about the highest of their 2x2 share what autograd gives one of them."""
        normed = self.norm(self.convolution(features))
        active = functional.leaky_relu(normed, SLOPE)
        below = _doubled(functional.max_pool2d(active, 2)) - active
        share = (1 - below / CORNER).clamp(0, 1)
        gradient = _doubled(upstream / functional.avg_pool2d(4 * share, 2)) * share
        gradient = gradient * (SLOPE + (1 - SLOPE) * (normed / CORNER + 0.5).clamp(0, 1))
        spread = (cast(Tensor, self.norm.running_var) + self.norm.eps).sqrt()
        return functional.conv_transpose2d(
            gradient / spread[:, None, None], self.convolution.weight, padding=2
        )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        _convolution(inputs, outputs),
        nn.BatchNorm2d(outputs, eps=1e-4, affine=False),
        nn.LeakyReLU(SLOPE),
        nn.Upsample(scale_factor=2.0, mode="nearest"),
    )


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, padding=2, bias=False)
