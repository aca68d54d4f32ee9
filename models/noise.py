"""Normal noise that is the same numbers in torch, in ONNX Runtime and in TorchScript: a function of a seed.

Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011, https://doi.org/10.1145/2063384.2063405
(numbers from a hashed counter), with Box and Muller, https://doi.org/10.1214/aoms/1177706645,

    n = sqrt(-2 ln u) cos(2 pi v),   u, v = hash(hash(counter) + hash(seed)) / 2³², even and odd counters.

The hash is two rounds of xor-shift and multiply. `torch.randn` exports as an operation that each runtime
seeds in its own way.
"""

import math

import torch
from torch import Tensor

_BITS = 2**32 - 1
# Below 2³¹, so that a 32-bit number times it stays within a signed 64-bit one.
_FACTOR = 0x45D9F3B


def normal_noise(seed: Tensor, size: tuple[int, ...]) -> Tensor:
    """Standard normal numbers of `size`, without a batch: all images get the same.

    Args:
        seed: An int64 scalar.
    """
    counters = torch.arange(2 * math.prod(size), device=seed.device)
    uniform = (_hash(_hash(counters) + _hash(seed)).to(torch.float32) + 0.5) / (_BITS + 1)
    radius, turn = uniform.reshape(2, *size)
    return (-2 * radius.log()).sqrt() * torch.cos(2 * math.pi * turn)


def _hash(numbers: Tensor) -> Tensor:
    """32-bit hashes of int64 numbers."""
    mixed = torch.bitwise_and(numbers, _BITS)
    for _ in range(2):
        mixed = torch.bitwise_and(_fold(mixed) * _FACTOR, _BITS)
    return _fold(mixed)


def _fold(numbers: Tensor) -> Tensor:
    # A shift, not a division: whole numbers are divided as floats once they are exported.
    return torch.bitwise_xor(numbers, torch.bitwise_right_shift(numbers, 16))
