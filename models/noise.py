"""Normal noise that is the same numbers in torch, in ONNX Runtime and in TorchScript: a function of a seed.

Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011, https://doi.org/10.1145/2063384.2063405
(numbers from a hashed counter), with Box and Muller, https://doi.org/10.1214/aoms/1177706645,

    n = sqrt(-2 ln u) cos(2 pi v),   u, v = hash(hash(counter) + hash(seed)) / 2³², even and odd counters.

The hash is two rounds of xor-shift and multiply. `torch.randn` exports as an operation that each runtime
seeds in its own way. Coarse noise is that of Kascenas et al., 2023, https://arxiv.org/abs/2301.08330: normal
noise on a coarse grid, interpolated.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

_BITS = 2**32 - 1
# Below 2³¹, so that a 32-bit number times it stays within a signed 64-bit one.
_FACTOR = 0x45D9F3B


def normal_noise(seed: Tensor, size: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, `(*seed.shape, *size)`; of one seed for all images, all get the same.

    Args:
        seed: int64 of any shape, a scalar among them.
    """
    uniform = uniform_noise(seed, 2 * math.prod(size))
    radius, turn = uniform.unflatten(-1, (2, *size)).unbind(seed.dim())
    return (-2 * radius.log()).sqrt() * torch.cos(2 * math.pi * turn)


def coarse_noise(seed: Tensor, size: tuple[int, int, int], *, grid: int) -> Tensor:
    """Noise of variance 1 whose nodes, `grid` of them a side, lie elsewhere for each seed.

    Args:
        seed: int64 of any shape.
        size: C, H and W.

    Returns:
        `(*seed.shape, C, H, W)`.
    """
    channels, height, width = size
    place = uniform_noise(derived_seed(seed, 1), 2)  # (*S, 2), in units of the grid
    nodes = normal_noise(derived_seed(seed, 0), (channels, grid + 1, grid + 1))
    rows = _interpolation(height, grid, place[..., :1, None])
    columns = _interpolation(width, grid, place[..., 1:, None])
    return rows[..., None, :, :] @ nodes @ columns[..., None, :, :].transpose(-1, -2)


def uniform_noise(seed: Tensor, count: int) -> Tensor:
    """Numbers between 0 and 1, `(*seed.shape, count)`."""
    counters = torch.arange(count, device=seed.device)
    numbers = _hash(_hash(counters) + _hash(seed)[..., None])
    return (numbers.to(torch.float32) + 0.5) / (_BITS + 1)


def derived_seed(seed: Tensor, number: Tensor | int) -> Tensor:
    """Another seed for each `number` from 0, of which no neighbour of `seed` comes close."""
    return _hash(_hash(seed) + number)


def _interpolation(side: int, grid: int, place: Tensor) -> Tensor:
    """How much a pixel gets of each node, `(*S, side, grid + 1)`; the squares of its shares sum to 1."""
    pixels = torch.arange(side, device=place.device)[:, None] * (grid - 1) / side + place
    nodes = torch.arange(grid + 1, device=place.device)
    shares = (1 - (pixels - nodes).abs()).clamp(min=0)
    return functional.normalize(shares, dim=-1)


def _hash(numbers: Tensor) -> Tensor:
    """32-bit hashes of int64 numbers."""
    mixed = torch.bitwise_and(numbers, _BITS)
    for _ in range(2):
        mixed = torch.bitwise_and(_fold(mixed) * _FACTOR, _BITS)
    return _fold(mixed)


def _fold(numbers: Tensor) -> Tensor:
    # A shift, not a division: whole numbers are divided as floats once they are exported.
    return torch.bitwise_xor(numbers, torch.bitwise_right_shift(numbers, 16))
