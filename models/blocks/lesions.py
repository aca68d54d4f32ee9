"""Made-up lesions on normal images, so that a network can learn to see what does not belong.

Source: the idea of Tan et al., Detecting Outliers with Foreign Patch Interpolation, 2020,
https://arxiv.org/abs/2011.04197, widened: blobs with a wavy rim that add, replace, roughen, or hold a foreign
piece. Nothing is known of any disease here but, if asked for, whether lesions are mostly bright.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.filters import gaussian_blur

# Share of the side over which a lesion loses the texture of its ground.
SMOOTHING = 0.03
# Pixels a side of a cell of noise; its grain may be finer.
COARSE = 4
# A pixel belongs to a lesion where the blob covers at least half of it and changes something near it, in the
# square of `NEAR` pixels a side around it, by this much.
LEAST_COVER, LEAST_CHANGE, NEAR = 0.5, 0.04, 5


@dataclass(frozen=True)
class LesionLaw:
    """What lesions are drawn: radii as shares of the shorter side, and the chance that one is bright.

    Raises:
        ValueError: One of the kinds is not among `KINDS`, or there is none.
    """

    smallest: float = 0.03
    largest: float = 0.14
    bright: float = 0.5
    kinds: tuple[str, ...] = ("shifted", "flat", "retextured", "foreign")
    most: int = 3  # in one image
    share: float = 0.5  # of the images that get any

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise ValueError(f"kinds of lesions are one or more of {', '.join(KINDS)}; they are {self.kinds}")


def draw_lesions(images: Tensor, foreground: Tensor, law: LesionLaw) -> tuple[Tensor, Tensor]:
    """Images `(B, C, H, W)` with lesions on their foreground `(B, 1, H, W)`, and the lesions' masks."""
    batch = len(images)
    has_any = torch.rand(batch, device=images.device) < law.share
    wanted = torch.randint(1, law.most + 1, (batch,), device=images.device)
    drawn, masks = images, torch.zeros_like(foreground)
    for number in range(law.most):
        present = (has_any & (number < wanted)).to(images.dtype)[:, None, None, None]
        cover = _blobs(foreground, law) * foreground * present
        changed = drawn + cover * (_contents(drawn, law) - drawn)
        change = (changed - drawn).abs().amax(dim=1, keepdim=True)
        differs = functional.max_pool2d(change, NEAR, stride=1, padding=NEAR // 2) > LEAST_CHANGE
        masks = torch.maximum(masks, ((cover > LEAST_COVER) & differs).to(images.dtype))
        drawn = changed
    return drawn, masks


def _blobs(foreground: Tensor, law: LesionLaw) -> Tensor:
    """One soft ellipse with a wavy rim for each image, centred on foreground, `(B, 1, H, W)` in [0, 1]."""
    batch, _one, height, width = foreground.shape
    device = foreground.device
    # The small number keeps an image without any foreground drawable.
    centre = torch.multinomial(foreground.flatten(1) + 1e-6, 1)  # (B, 1)
    rows = torch.arange(height, device=device)[:, None] - (centre // width)[..., None]
    columns = torch.arange(width, device=device) - (centre % width)[..., None]
    radius = law.smallest + (law.largest - law.smallest) * torch.rand(batch, 1, 1, device=device)
    angle = torch.pi * torch.rand(batch, 1, 1, device=device)
    flatness = 0.5 + 0.5 * torch.rand(batch, 1, 1, device=device)
    along = rows * angle.cos() + columns * angle.sin()
    across = (columns * angle.cos() - rows * angle.sin()) / flatness
    distance = (along**2 + across**2).sqrt() / (radius * min(height, width))
    waves = torch.randn(batch, 1, 8, 8, device=device)
    waves = functional.interpolate(waves, size=(height, width), mode="bicubic")[:, 0]
    softness = 0.03 + 0.17 * torch.rand(batch, 1, 1, device=device)
    return torch.sigmoid((1 - distance - 0.25 * waves) / softness)[:, None]


def _contents(images: Tensor, law: LesionLaw) -> Tensor:
    """What a lesion holds, one of the law's kinds for each image."""
    draw = _Draw.of(images, law)
    kinds = torch.stack([KINDS[name](images, draw) for name in law.kinds])  # (kinds, B, C, H, W)
    chosen = torch.randint(0, len(kinds), (len(images),), device=images.device)
    return kinds[chosen, torch.arange(len(images), device=images.device)].clamp(0, 1)


class _Draw(NamedTuple):
    """Drawn for each image, `(B, 1, 1, 1)`; `noise` is coarse, `grain` of any size: `(B, 1, H, W)`."""

    sign: Tensor
    strength: Tensor
    level: Tensor
    roughness: Tensor
    noise: Tensor
    grain: Tensor

    @classmethod
    def of(cls, images: Tensor, law: LesionLaw) -> Self:
        chances = torch.rand(4, len(images), 1, 1, 1, device=images.device)
        sign = torch.where(chances[0] < law.bright, 1.0, -1.0)
        noise, grain = (_noise(images, cell) for cell in (COARSE, _any_cell()))
        return cls(sign, 0.08 + 0.5 * chances[1], chances[2], chances[3], noise, grain)


def _noise(images: Tensor, cell: int) -> Tensor:
    """One channel of it, drawn on cells of so many pixels a side."""
    batch, _channels, height, width = images.shape
    noise = torch.randn(batch, 1, max(1, height // cell), max(1, width // cell), device=images.device)
    return functional.interpolate(noise, size=(height, width), mode="bilinear")


def _any_cell() -> int:
    return int(2 ** torch.randint(0, COARSE.bit_length(), ()).item())


def _shifted(images: Tensor, draw: _Draw) -> Tensor:
    return images + draw.sign * draw.strength


def _flat(images: Tensor, draw: _Draw) -> Tensor:
    return (draw.level + 0.05 * draw.roughness * draw.noise).expand_as(images)


def _rough(images: Tensor, draw: _Draw) -> Tensor:
    return images + 0.5 * draw.strength * (draw.sign + draw.noise)


def _retextured(images: Tensor, draw: _Draw) -> Tensor:
    """The ground's own texture is gone and another there, on the same level or on another."""
    moved = torch.where(draw.level < 0.5, 0.5 * draw.strength * draw.sign, 0.0)
    smooth = gaussian_blur(images, SMOOTHING * min(images.shape[-2:]))
    return smooth + moved + 0.15 * draw.roughness * draw.grain


def _foreign(images: Tensor, _draw: _Draw) -> Tensor:
    """A piece of another image, from elsewhere in it."""
    down, right = (int(torch.randint(-(side // 5), side // 5 + 1, ()).item()) for side in images.shape[-2:])
    pieces = torch.roll(images[torch.randperm(len(images), device=images.device)], (down, right), dims=(2, 3))
    return pieces.flip(-2) if torch.rand(()) < 0.5 else pieces


KINDS: dict[str, Callable[[Tensor, _Draw], Tensor]] = {
    "shifted": _shifted,
    "flat": _flat,
    "rough": _rough,
    "retextured": _retextured,
    "foreign": _foreign,
}
