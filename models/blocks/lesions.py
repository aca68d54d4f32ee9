"""Made-up lesions on normal images, so that a network can learn to see what does not belong.

Source: the idea of Tan et al., Detecting Outliers with Foreign Patch Interpolation, 2020,
https://arxiv.org/abs/2011.04197, widened: blobs with a wavy rim that add, replace, roughen, or hold a foreign
piece. Nothing is known of any disease here but, if asked for, whether lesions are mostly bright.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.filters import gaussian_blur

KINDS = 4
# Share of the side over which a lesion loses the texture of its ground.
SMOOTHING = 0.03
# A pixel belongs to a lesion where the blob covers at least half of it and changes something near it, in the
# square of `NEAR` pixels a side around it, by this much.
LEAST_COVER, LEAST_CHANGE, NEAR = 0.5, 0.04, 5


@dataclass(frozen=True)
class LesionLaw:
    """What lesions are drawn: radii as shares of the shorter side, and the chance that one is bright."""

    smallest: float = 0.03
    largest: float = 0.14
    bright: float = 0.5
    most: int = 3  # in one image
    share: float = 0.5  # of the images that get any


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
    """What a lesion holds, a kind for each image: more of it, another level, a texture, a foreign piece."""
    batch, _channels, height, width = images.shape
    device = images.device

    def chance() -> Tensor:
        return torch.rand(batch, 1, 1, 1, device=device)

    sign = torch.where(chance() < law.bright, 1.0, -1.0)
    strength = 0.08 + 0.5 * chance()
    texture = torch.randn(batch, 1, max(1, height // 4), max(1, width // 4), device=device)
    texture = functional.interpolate(texture, size=(height, width), mode="bilinear")
    down, right = (int(torch.randint(-(side // 5), side // 5 + 1, ()).item()) for side in (height, width))
    foreign = torch.roll(images[torch.randperm(batch, device=device)], (down, right), dims=(2, 3))
    if torch.rand(()) < 0.5:
        foreign = foreign.flip(-2)
    kind = torch.randint(0, KINDS, (batch, 1, 1, 1), device=device)
    contents = torch.where(kind == 0, images + sign * strength, foreign)
    contents = torch.where(kind == 1, chance() + 0.05 * chance() * texture, contents)
    # Its own texture is gone and another there, on the same level or on another.
    level = torch.where(chance() < 0.5, 0.5 * strength * sign, 0.0)
    smooth = gaussian_blur(images, SMOOTHING * min(height, width))
    contents = torch.where(kind == 2, smooth + level + 0.15 * chance() * texture, contents)
    return contents.clamp(0, 1)
