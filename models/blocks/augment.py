"""Small random changes of place and grey that leave a normal image normal."""

import torch
from torch import Tensor
from torch.nn import functional


def augment(images: Tensor, *, strength: float, mirror: bool) -> Tensor:
    """Turn, scale, move, brighten and stretch images `(B, C, H, W)` in [0, 1], each by its own chance.

    Args:
        strength: 1 means standard deviations of 0.08 radians, 6 % of the size, 2 % of the side, 10 % of the
            contrast and 0.03 of brightness; 0 changes nothing.
        mirror: Also exchange left and right, for half of the images.
    """
    batch, device = len(images), images.device

    def normal(spread: float) -> Tensor:
        return strength * spread * torch.randn(batch, device=device)

    turn, scale = normal(0.08), 1 + normal(0.06)
    side = torch.where(torch.rand(batch, device=device) < 0.5, -1.0, 1.0) if mirror else torch.ones_like(turn)
    rows = torch.stack([scale * turn.cos() * side, -scale * turn.sin(), normal(0.04)], dim=1)
    columns = torch.stack([scale * turn.sin() * side, scale * turn.cos(), normal(0.04)], dim=1)
    grid = functional.affine_grid(
        torch.stack([rows, columns], dim=1), list(images.shape), align_corners=False
    )
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    # Background stays background: where nothing is, nothing gets brighter.
    inside = (moved > 0).to(images.dtype)
    gain, offset = (values[:, None, None, None] for values in (1 + normal(0.1), normal(0.03)))
    return ((moved - 0.5) * gain + 0.5 + offset).clamp(0, 1) * inside
