"""A U-Net that is told how noisy its input is, as diffusion models have it.

Source: Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239, appendix
B: residual blocks of group normalisation and swish to each of which the time is added, sines and cosines of
it going through two layers first, and self-attention between two more blocks at the coarsest level. As in
Dhariwal and Nichol, 2021, https://arxiv.org/abs/2105.05233, what ends a block or the network starts at 0.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LONGEST = 10_000
# At most so many groups are normalised.
GROUPS = 8


class TimeUNet(nn.Module):
    """Images `(B, inputs, H, W)` and their times, `(B,)` or `(1,)` for all, to `(B, outputs, H, W)`.

    Level k has `widths[k]` channels, the first an even number, on a grid halved k times; H and W are
    multiples of `2 ** (len(widths) - 1)`.
    """

    def __init__(self, inputs: int, outputs: int, *, widths: Sequence[int]) -> None:
        super().__init__()
        first, last = widths[0], widths[-1]
        embedding = 4 * first
        self.embed = nn.Sequential(
            _Waves(first), nn.Linear(first, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU()
        )
        self.stem = nn.Conv2d(inputs, first, 3, padding=1)
        self.down = nn.ModuleList(
            _Block(before, after, embedding) for before, after in itertools.pairwise([first, *widths])
        )
        self.middle = nn.ModuleList(
            [_Block(last, last, embedding), _Attention(last), _Block(last, last, embedding)]
        )
        self.up = nn.ModuleList(
            _Block(before + after, after, embedding)
            for before, after in itertools.pairwise([last, *widths[::-1]])
        )
        self.head = nn.Sequential(
            _norm(first), nn.SiLU(), _from_zero(nn.Conv2d(first, outputs, 3, padding=1))
        )

    def forward(self, images: Tensor, times: Tensor) -> Tensor:
        embedding = self.embed(times)  # (B, embedding)
        features = self.stem(images)
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            features = block(functional.avg_pool2d(features, 2) if level else features, embedding)
            skips.append(features)
        for block in self.middle:
            features = block(features, embedding)
        for level, block in enumerate(self.up):
            if level:
                features = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([features, skips.pop()], dim=1), embedding)
        return self.head(features)


class _Waves(nn.Module):
    """Sines and cosines, `(B, length)`, of times `(B,)`; periods reach from 2 pi to nearly 2 pi * LONGEST."""

    def __init__(self, length: int) -> None:
        super().__init__()
        exponents = torch.arange(length // 2) / (length // 2)
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.exp(-math.log(LONGEST) * exponents), persistent=False)

    def forward(self, times: Tensor) -> Tensor:
        phases = times[:, None].to(self.frequencies.dtype) * self.frequencies
        return torch.cat([phases.sin(), phases.cos()], dim=1)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.enter = nn.Sequential(_norm(inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.time = nn.Linear(embedding, outputs)
        self.leave = nn.Sequential(
            _norm(outputs), nn.SiLU(), _from_zero(nn.Conv2d(outputs, outputs, 3, padding=1))
        )

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        inner = self.enter(features) + self.time(embedding)[:, :, None, None]
        return self.skip(features) + self.leave(inner)


class _Attention(nn.Module):
    """Every place looks at all others; one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.ask = nn.Conv2d(channels, 3 * channels, 1)
        self.answer = _from_zero(nn.Conv2d(channels, channels, 1))

    def forward(self, features: Tensor, _embedding: Tensor) -> Tensor:
        queries, keys, values = self.ask(self.norm(features)).flatten(2).chunk(3, dim=1)  # (B, C, h w)
        weights = torch.softmax(queries.transpose(1, 2) @ keys / math.sqrt(keys.shape[1]), dim=2)
        seen = values @ weights.transpose(1, 2)
        return features + self.answer(seen.unflatten(2, features.shape[2:]))


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels)


def _from_zero(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
