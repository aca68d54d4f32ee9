"""MADGAN: predicts the next slices of a volume from those before; where it is wrong is anomalous.

Source: Han et al., MADGAN, 2021, https://arxiv.org/abs/2007.13559; WGAN-GP: Gulrajani et al., 2017,
https://arxiv.org/abs/1704.00028. The first half of an image's channels are the known slices k, the second
half those that follow, x; G is a U-Net-like generator with self-attention, D the critic:

    critic     mean D(G(k)) - mean D(x) + 10 mean (|∇D(x̃)| - 1)²        x̃ between x and G(k)
    generator  -mean D(G(k)) + 100 mean |x - G(k)|
    map        mean of (x - G(k))² over the slices that follow,   score  mean of the map

The channels come from the step `neighbouring_slices`: with `before = 4` and `after = 1` the three slices
around a slice, itself in the middle, are predicted from the three before them, and the map is laid on it. A
scan's score is the mean over its slices with `volume_score = "mean"`, as in the paper.

Differs from the paper: `width` 32, attention on the levels of at most 16 pixels a side, and a thousand steps
of batches that two cores can train instead of 1.8 million; the critic, of four strided convolutions, sees
slices without those before them and takes as many turns as the generator. The paper gives a score only; the
map is its loss before the mean. At the ends of a volume slices are repeated. Option beyond the paper:
`score = "top"` means the highest percent of the map.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.blocks.attention import SelfAttention
from models.blocks.wasserstein import criticise
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update

LEVELS = 4
SLOPE = 0.2


class Madgan(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`attention_side` is the longest side, in pixels, of a feature map with attention; 0 for none."""

        width: int = 32
        attention_side: int = 16
        steps: int = 1000
        critic_turns: int = 1
        penalty: float = 10.0
        residual_weight: float = 100.0
        learning_rate: float = 2e-4
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.channels % 2:
            raise ValueError(
                f"madgan needs an even number of channels, as many known slices as slices that follow, not "
                f"{shape.channels}: begin the preprocessing with neighbouring_slices, before = 4, after = 1"
            )
        self.options = options
        half = replace(shape, channels=shape.channels // 2)
        _check_sides(shape)
        self.generator = _Generator(half, options)
        self.critic = _critic(half, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("predict", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        known, following = images.chunk(2, dim=1)  # (B, slices, H, W)
        predicted = (self.generator(known * 2 - 1) + 1) / 2
        anomaly_map = ((following - predicted) ** 2).mean(dim=1, keepdim=True)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, torch.cat([known, predicted], dim=1))

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate, betas = self.options.learning_rate, (0.0, 0.9)
        return {
            "critic": Adam(self.critic.parameters(), lr=rate, betas=betas),
            "generator": Adam(self.generator.parameters(), lr=rate, betas=betas),
        }

    def _step(self, batch: Batch, number: int) -> Iterator[Update]:
        known, following = (batch.images * 2 - 1).chunk(2, dim=1)
        self.critic.requires_grad_(True)
        with torch.no_grad():
            predicted = self.generator(known)
        yield criticise(self.critic, following, predicted, penalty=self.options.penalty)
        if (number + 1) % self.options.critic_turns == 0:
            self.critic.requires_grad_(False)
            predicted = self.generator(known)
            residual = (following - predicted).abs().mean()
            loss = self.options.residual_weight * residual - self.critic(predicted).mean()
            yield Update("generator", loss, {"generator": loss, "residual": residual})


class _Generator(nn.Module):
    """Slices `(B, C, H, W)` to as many that follow, all in [-1, 1]."""

    def __init__(self, shape: InputShape, options: Madgan.Options) -> None:
        super().__init__()
        widths = _widths(options.width)
        sides = [max(shape.height, shape.width) >> level for level in range(1, LEVELS + 1)]
        attends = [side <= options.attention_side for side in sides]
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), *_end(b, nn.LeakyReLU(SLOPE), attends=has))
            for (a, b), has in zip(itertools.pairwise([shape.channels, *widths]), attends, strict=True)
        )
        # All but the deepest are given the level's own features beside those from below.
        shallow = list(zip(widths, attends, strict=True))[-2::-1]
        inputs = [widths[-1], *(2 * outputs for outputs, _has in shallow)]
        self.up = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1), *_end(b, nn.ReLU(), attends=has))
            for a, (b, has) in zip(inputs, shallow, strict=False)
        )
        self.head = nn.Sequential(
            nn.ConvTranspose2d(inputs[-1], shape.channels, 4, stride=2, padding=1), nn.Tanh()
        )

    def forward(self, slices: Tensor) -> Tensor:
        skips: list[Tensor] = []
        features = slices
        for block in self.down:
            features = block(features)
            skips.append(features)
        skips.pop()
        for block in self.up:
            features = torch.cat([block(features), skips.pop()], dim=1)
        return self.head(features)


def _critic(shape: InputShape, *, width: int) -> nn.Sequential:
    """Slices `(B, C, H, W)` in [-1, 1] to `(B, 1)`; normalised by image, as the penalty asks."""
    layers: list[nn.Module] = []
    for level, (a, b) in enumerate(itertools.pairwise([shape.channels, *_widths(width)])):
        normalisation = [nn.GroupNorm(1, b)] if level else []
        layers += [nn.Conv2d(a, b, 4, stride=2, padding=1), *normalisation, nn.LeakyReLU(SLOPE)]
    flat = _widths(width)[-1] * (shape.height >> LEVELS) * (shape.width >> LEVELS)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 1))


def _widths(width: int) -> list[int]:
    """Channels of the levels, from half the image's size down."""
    return [width * 2**level for level in range(LEVELS)]


def _check_sides(shape: InputShape) -> None:
    if shape.height % 2**LEVELS or shape.width % 2**LEVELS:
        raise ValueError(
            f"madgan needs sides that are multiples of {2**LEVELS}; they are {shape.height} x {shape.width}"
        )


def _end(channels: int, activation: nn.Module, *, attends: bool) -> list[nn.Module]:
    """What follows a convolution: attention comes before the normalisation."""
    attention = [SelfAttention(channels)] if attends else []
    return [*attention, nn.BatchNorm2d(channels), activation]
