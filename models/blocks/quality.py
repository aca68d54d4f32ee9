"""Whether generated images are as various as the normal ones and lie among them: the gate behind a GAN.

Source: the energy distance of Székely and Rizzo, 2013, https://doi.org/10.1016/j.jspi.2013.03.018. In a space
of features that needs no training (grey means of cells, and histograms of gradients), each divided by its
spread on the normals, with real features r, r' and generated ones g, g',

    diversity = E|g - g'| / E|r - r'|,   distance = (2 E|r - g| - E|r - r'| - E|g - g'|) / E|r - r'|.

One is 0 where all generated images are the same one and 1 where they vary as the normals do; the other is 0
where nothing tells the two apart.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.gradient_histograms import gradient_histograms

CELLS = 4
GREY_CELLS = 8


class CollapseError(ValueError):
    """A generator's images are too much alike, or too far from the normal ones, to go on with."""


class Quality(NamedTuple):
    diversity: float
    distance: float


def quality_features(images: Tensor) -> Tensor:
    """`(B, C, H, W)` in [0, 1] to `(B, features)`."""
    grey = functional.adaptive_avg_pool2d(images, GREY_CELLS)
    whole = [side - side % CELLS for side in images.shape[2:]]
    edges = gradient_histograms(images[:, :, : whole[0], : whole[1]], CELLS)
    return torch.cat([grey.flatten(1), edges.flatten(1)], dim=1)


def measure_quality(real: Tensor, fake: Tensor) -> Quality:
    """Both figures of features `(N, features)` of real and of as many generated images; N is at least 2."""
    spread = real.std(dim=0)
    # Where normals never differ the smallest difference would count without end.
    real, fake = (features / (spread + spread.mean() + 1e-12) for features in (real, fake))
    pairs = len(real) * (len(real) - 1)
    among_real, among_fake = (float(torch.cdist(one, one).sum()) / pairs for one in (real, fake))
    between = float(torch.cdist(real, fake).mean())
    return Quality(among_fake / among_real, (2 * between - among_real - among_fake) / among_real)


def check_quality(quality: Quality, *, least_diversity: float, most_distance: float) -> None:
    """Let a generator pass.

    Raises:
        CollapseError: It is less diverse, or farther from the normals, than that.
    """
    if quality.diversity >= least_diversity and quality.distance <= most_distance:
        return
    raise CollapseError(
        f"the generator's images have {quality.diversity:.2f} of the normals' diversity (at least "
        f"{least_diversity:g} is wanted) and lie at {quality.distance:.2f} from them (at most "
        f"{most_distance:g}): it has collapsed or is not done; train it for more steps, with a smaller "
        f'learning_rate, or as generator = "wgan_gp" where the method lets you choose'
    )


class QualityGate:
    """A stage that holds as many generated images against all normals.

    Args:
        generate: From a number of images to them, `(B, C, H, W)` in [0, 1].
    """

    def __init__(
        self, generate: Callable[[int], Tensor], *, least_diversity: float, most_distance: float
    ) -> None:
        self._generate = generate
        self._limits = (least_diversity, most_distance)
        self._real: list[Tensor] = []
        self._fake: list[Tensor] = []

    def observe(self, images: Tensor) -> None:
        self._real.append(quality_features(images))
        self._fake.append(quality_features(self._generate(len(images))))

    def finalize(self) -> Mapping[str, float]:
        quality = measure_quality(torch.cat(self._real), torch.cat(self._fake))
        self._real.clear()
        self._fake.clear()
        least_diversity, most_distance = self._limits
        check_quality(quality, least_diversity=least_diversity, most_distance=most_distance)
        return quality._asdict()
