"""The networks of WGAN-GP for images of any size that halves down to 4 to 7 pixels a side.

Source: Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028, appendix F, of its residual blocks.
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from models.blocks.residual import DownBlock, UpBlock
from models.method import InputShape

# Channels of the levels from 4x4 up, in units of `width`; larger images repeat the first.
MULTIPLES = (8, 8, 4, 2, 1)


class Generator(nn.Module):
    """Latent `(B, latent)` to images `(B, C, H, W)` in [-1, 1]; starts from an H/2ⁿ x W/2ⁿ grid."""

    def __init__(self, shape: InputShape, latent: int, widths: Sequence[int]) -> None:
        super().__init__()
        doublings = len(widths) - 1
        self.start = (widths[0], shape.height >> doublings, shape.width >> doublings)
        self.expand = nn.Linear(latent, self.start[0] * self.start[1] * self.start[2])
        self.blocks = nn.Sequential(*(UpBlock(a, b) for a, b in itertools.pairwise(widths)))
        self.head = nn.Sequential(
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
            nn.Conv2d(widths[-1], shape.channels, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor) -> Tensor:
        return self.head(self.blocks(self.expand(latent).unflatten(1, self.start)))


class Critic(nn.Module):
    """Images `(B, C, H, W)` in [-1, 1] to `(B, outputs)`; the encoder has the same trunk."""

    def __init__(self, shape: InputShape, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        falling = widths[::-1]
        self.stem = nn.Conv2d(shape.channels, falling[0], 3, padding=1)
        self.blocks = nn.Sequential(*(DownBlock(a, b) for a, b in itertools.pairwise(falling)))
        doublings = len(widths) - 1
        self.head = nn.Linear(falling[-1] * (shape.height >> doublings) * (shape.width >> doublings), outputs)

    def features(self, images: Tensor) -> Tensor:
        """The penultimate features f, `(B, n_f)`."""
        return self.blocks(self.stem(images)).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def level_widths(shape: InputShape, width: int) -> list[int]:
    """Channels of each level, from the coarsest (4 pixels a side at the least) to the image's own size."""
    doublings = 0
    while min(shape.height, shape.width) >> (doublings + 1) >= 4:
        doublings += 1
    if doublings < 2 or shape.height % 2**doublings or shape.width % 2**doublings:
        raise ValueError(
            f"a WGAN needs sides of at least 16 that halve evenly down to 4 to 7 pixels; "
            f"they are {shape.height} x {shape.width}"
        )
    levels = doublings + 1
    multiples = [MULTIPLES[0]] * max(0, levels - len(MULTIPLES)) + list(MULTIPLES[-levels:])
    return [width * multiple for multiple in multiples]
