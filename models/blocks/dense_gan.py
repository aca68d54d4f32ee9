"""A generator and a discriminator of dense layers alone.

Source: Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661, with the layers that public f-AnoGAN code
gives MNIST: four hidden ones in the generator, two in the discriminator, leaky ReLU of 0.2.
"""

import itertools
import math

from torch import Tensor, nn

from models.method import InputShape

# Hidden layers of the generator, in units of `width`; the discriminator's are two of them, falling.
MULTIPLES = (4, 8, 16, 32)
SLOPE = 0.2


class DenseGenerator(nn.Module):
    """Latent `(B, latent)` to images `(B, C, H, W)` in [-1, 1]."""

    def __init__(self, shape: InputShape, latent: int, *, width: int) -> None:
        super().__init__()
        sizes = [latent, *(width * multiple for multiple in MULTIPLES)]
        picture = (shape.channels, shape.height, shape.width)
        self.layers = nn.Sequential(
            *(_layer(before, after) for before, after in itertools.pairwise(sizes)),
            nn.Linear(sizes[-1], math.prod(picture)),
            nn.Tanh(),
            nn.Unflatten(1, picture),
        )

    def forward(self, latent: Tensor) -> Tensor:
        return self.layers(latent)


class DenseDiscriminator(nn.Module):
    """Images `(B, C, H, W)` in [-1, 1] to `(B, outputs)`, unbounded; an encoder has the same trunk."""

    def __init__(self, shape: InputShape, outputs: int, *, width: int) -> None:
        super().__init__()
        sizes = (shape.channels * shape.height * shape.width, width * MULTIPLES[2], width * MULTIPLES[1])
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(sizes[0], sizes[1]),
            nn.LeakyReLU(SLOPE),
            nn.Linear(sizes[1], sizes[2]),
            nn.LeakyReLU(SLOPE),
        )
        self.head = nn.Linear(sizes[2], outputs)

    def features(self, images: Tensor) -> Tensor:
        """The penultimate features, `(B, n_f)`."""
        return self.layers(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.LeakyReLU(SLOPE))
