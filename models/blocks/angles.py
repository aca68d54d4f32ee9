"""How far a vector's direction lies from remembered directions."""

import torch
from torch import Tensor
from torch.nn import functional


def nearest_angle(latent: Tensor, memory: Tensor, neighbours: int) -> Tensor:
    """Mean angle, as a share of pi, of `latent` `(B, d)` to its nearest rows of `memory` `(N, d)`: `(B,)`.

    Both are of length 1. An angle is 2 arcsin(chord / 2), not arccos of the product: near 0 a rounded product
    has no digit of the angle left, and above 1 it has no arccos at all.
    """
    nearest = torch.topk(latent @ memory.T, neighbours, dim=1).indices  # (B, k)
    chord = ((latent[:, None] - memory[nearest]) ** 2).sum(dim=2).sqrt()
    return (2 * torch.asin((chord / 2).clamp(max=1.0)) / torch.pi).mean(dim=1)


def unit(latent: Tensor) -> Tensor:
    """Each row of `(B, d)` at length 1."""
    return functional.normalize(latent, dim=1)
