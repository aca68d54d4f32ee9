"""A small ResNet whose features are learned on the normals themselves, since there are no others.

Source: He et al., Deep Residual Learning for Image Recognition, 2016, https://arxiv.org/abs/1512.03385: the
18-layer network, four layers of two basic blocks. Below 128 pixels the stem halves the sides once, by a 3x3
convolution, instead of twice, so that small images reach the layers on grids as fine as large ones do.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.method import InputShape

LAYERS = 4
# Where the gradient written out would jump it climbs over this much: rounding, which an exported graph does
# in another order, must not choose a side. The normed features spread about 1.
CORNER = 5e-2
# From here on the stem is the paper's: 7x7 with stride 2, then a 3x3 maximum with stride 2.
LARGE = 128


class ResNet(nn.Module):
    """Images `(B, C, H, W)` to the features of the four layers.

    Layer k, counted from 1, has `channels[k - 1]` channels on the grid `grids[k - 1]`.
    """

    def __init__(self, shape: InputShape, *, width: int) -> None:
        super().__init__()
        is_large = min(shape.height, shape.width) >= LARGE
        self.channels = [width * 2**level for level in range(LAYERS)]
        self.grids = [_grid(shape, 2 ** (level + 1 + is_large)) for level in range(LAYERS)]
        self.stem = _large_stem(shape.channels, width) if is_large else _small_stem(shape.channels, width)
        befores = [width, *self.channels]
        self.layers = nn.ModuleList(
            nn.Sequential(
                _Block(befores[level], self.channels[level], stride=1 if level == 0 else 2),
                _Block(self.channels[level], self.channels[level], stride=1),
            )
            for level in range(LAYERS)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor, last: int = LAYERS) -> list[Tensor]:
        """The features of layer 1 to layer `last`."""
        features = self.stem(images)
        found = []
        for layer in self.layers[:last]:
            features = layer(features)
            found.append(features)
        return found

    def gradient(self, images: Tensor, upstream: Tensor) -> Tensor:
        """The gradient at `images` of the last layer's sum, each feature weighed by `upstream` of its shape.

        Only in evaluation mode. Written out instead of asked of autograd, so that it exports and traces as
        plain operations.
        """
        layers: list[Any] = list(self.layers)  # torch types them as bare modules
        blocks: list[_Block] = [block for layer in layers for block in layer]
        inputs = [self.stem(images)]
        for block in blocks[:-1]:
            inputs.append(block(inputs[-1]))
        for block in reversed(blocks):
            upstream = block.gradient(inputs.pop(), upstream)
        return _stem_gradient(self.stem, images, upstream)


class LocalFeatures(nn.Module):
    """Images to the features of some `layers`, joined at every place of one grid: `(B, channels, h, w)`.

    A layer on a finer grid is averaged down to it, one on a coarser is interpolated. With `is_local` every
    place first takes the average of itself and its eight neighbours.
    """

    def __init__(
        self, network: ResNet, layers: Sequence[int], grid: tuple[int, int], *, is_local: bool
    ) -> None:
        super().__init__()
        # The fourth layer's grid need not divide the image's.
        if not layers or not set(layers) <= set(range(1, LAYERS)):
            raise ValueError(f"layers are 1, 2 or 3; they are {tuple(layers)}")
        self.network = network
        self.grid = grid
        self._layers = tuple(layers)
        self._is_local = is_local
        self.channels = sum(network.channels[layer - 1] for layer in layers)

    def forward(self, images: Tensor) -> Tensor:
        found = self.network(images, max(self._layers))
        return torch.cat([self._on_grid(found[layer - 1], layer) for layer in self._layers], dim=1)

    def _on_grid(self, features: Tensor, layer: int) -> Tensor:
        if self._is_local:
            features = functional.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)
        height, width = self.network.grids[layer - 1]
        if (height, width) == self.grid:
            return features
        if height > self.grid[0]:
            return functional.avg_pool2d(features, (height // self.grid[0], width // self.grid[1]))
        return functional.interpolate(features, size=self.grid, mode="bilinear")


class _Block(nn.Module):
    """Two 3x3 convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.skip = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.skip(features) + self.inner(features))

    def gradient(self, features: Tensor, upstream: Tensor) -> Tensor:
        """From the gradient by the outputs to that by the inputs, in evaluation mode."""
        first, first_norm, _relu, second, second_norm = self.inner
        hidden = first_norm(first(features))
        outputs = self.skip(features) + second_norm(second(functional.relu(hidden)))
        upstream = upstream * _slope(outputs)
        inner = _convolution_gradient(second, second_norm, hidden, upstream) * _slope(hidden)
        inner = _convolution_gradient(first, first_norm, features, inner)
        if isinstance(self.skip, nn.Sequential):
            conv, norm = self.skip
            return inner + _convolution_gradient(conv, norm, features, upstream)
        return inner + upstream


def _grid(shape: InputShape, halved: int) -> tuple[int, int]:
    return math.ceil(shape.height / halved), math.ceil(shape.width / halved)


def _small_stem(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, width, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


def _large_stem(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


def _stem_gradient(stem: nn.Sequential, images: Tensor, upstream: Tensor) -> Tensor:
    conv, norm, _relu, *maximum = stem
    hidden = norm(conv(images))
    if maximum:
        upstream = _maximum_gradient(functional.relu(hidden), upstream)
    return _convolution_gradient(conv, norm, images, upstream * _slope(hidden))


def _slope(values: Tensor) -> Tensor:
    """The gradient of a ReLU, its corner rounded."""
    return (values / CORNER + 0.5).clamp(0, 1)


def _convolution_gradient(conv: Any, norm: Any, inputs: Tensor, upstream: Tensor) -> Tensor:
    """Through a convolution without bias and its norm."""
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return _transposed(inputs, upstream * scale[:, None, None], conv.weight, stride=conv.stride[0])


def _maximum_gradient(features: Tensor, upstream: Tensor) -> Tensor:
    """Through the maximum of 3x3 with stride 2, shared by those nearly as large; features are at least 0."""
    channels = features.shape[1]
    shifts = torch.eye(9, dtype=features.dtype, device=features.device)
    shifts = shifts.view(9, 1, 3, 3).repeat(channels, 1, 1, 1)
    windows = functional.conv2d(features, shifts, stride=2, padding=1, groups=channels)
    windows = windows.unflatten(1, (channels, 9))  # (B, C, 9, h, w)
    below = windows.amax(dim=2, keepdim=True) - windows
    share = (1 - below / CORNER).clamp(0, 1)
    shares = share / share.sum(dim=2, keepdim=True) * upstream[:, :, None]
    return _transposed(features, shares.flatten(1, 2), shifts, stride=2, groups=channels)


def _transposed(inputs: Tensor, upstream: Tensor, weight: Tensor, *, stride: int, groups: int = 1) -> Tensor:
    """The gradient by the `inputs` of a convolution that keeps or halves the sides."""
    # `int`: a tracer hands out sizes as tensors. Of 2n and of 2n - 1 inputs stride 2 makes n outputs.
    sizes = zip(inputs.shape[2:], upstream.shape[2:], strict=True)
    missing = [int(before) - 1 - stride * (int(after) - 1) for before, after in sizes]
    return functional.conv_transpose2d(
        upstream, weight, stride=stride, padding=weight.shape[2] // 2, output_padding=missing, groups=groups
    )
