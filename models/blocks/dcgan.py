"""DCGAN's generator and discriminator for images of any size that halves down to 4 to 7 pixels a side.

Source: Radford et al., 2015, https://arxiv.org/abs/1511.06434: strided convolutions, batch normalisation but
at the images' end, ReLU in the generator, leaky ReLU of 0.2 in the discriminator, N(0, 0.02²) to start from.
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from models.method import InputShape

# Channels of the coarsest level, in units of `width`, at the most.
WIDEST = 8
SLOPE = 0.2
START_SD = 0.02


class DcganGenerator(nn.Module):
    """Latent `(B, latent)` to images `(B, C, H, W)` in [-1, 1]."""

    def __init__(self, shape: InputShape, latent: int, *, width: int) -> None:
        super().__init__()
        widths = _widths(shape, width)
        start = (widths[0], shape.height >> len(widths), shape.width >> len(widths))
        self.expand = nn.Sequential(
            nn.Linear(latent, start[0] * start[1] * start[2]),
            nn.Unflatten(1, start),
            nn.BatchNorm2d(start[0]),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(*(_up(before, after) for before, after in itertools.pairwise(widths)))
        self.head = nn.Sequential(
            nn.ConvTranspose2d(widths[-1], shape.channels, 4, stride=2, padding=1), nn.Tanh()
        )
        self.apply(_start)

    def forward(self, latent: Tensor) -> Tensor:
        return self.head(self.blocks(self.expand(latent)))


class DcganDiscriminator(nn.Module):
    """Images `(B, C, H, W)` in [-1, 1] to `(B, outputs)`, unbounded; an encoder has the same trunk."""

    def __init__(self, shape: InputShape, outputs: int, *, width: int) -> None:
        super().__init__()
        widths = _widths(shape, width)[::-1]
        self.stem = nn.Sequential(
            nn.Conv2d(shape.channels, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)
        )
        self.blocks = nn.Sequential(*(_down(before, after) for before, after in itertools.pairwise(widths)))
        flat = widths[-1] * (shape.height >> len(widths)) * (shape.width >> len(widths))
        self.head = nn.Linear(flat, outputs)
        self.apply(_start)

    def features(self, images: Tensor) -> Tensor:
        """The penultimate features, `(B, n_f)`."""
        return self.blocks(self.stem(images)).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def _widths(shape: InputShape, width: int) -> Sequence[int]:
    """Channels from the coarsest level to the last below the image's own size."""
    halvings = 0
    while min(shape.height, shape.width) >> (halvings + 1) >= 4:
        halvings += 1
    if halvings < 2 or shape.height % 2**halvings or shape.width % 2**halvings:
        raise ValueError(
            f"a DCGAN needs sides of at least 16 that halve evenly down to 4 to 7 pixels; "
            f"they are {shape.height} x {shape.width}"
        )
    return [width * min(WIDEST, 2**level) for level in reversed(range(halvings))]


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE),
    )


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, START_SD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, START_SD)
