"""f-AnoGAN: a WGAN-GP learns normal images, an encoder learns the way back to its latent space.

Source: Schlegl et al., f-AnoGAN, 2019, https://doi.org/10.1016/j.media.2019.01.010; WGAN-GP: Gulrajani et
al., 2017, https://arxiv.org/abs/1704.00028. G is the generator, D the critic, f its penultimate features, E
the encoder:

    critic     mean D(G(z)) - mean D(x) + 10 mean (|∇D(x̃)| - 1)²        x̃ between x and G(z)
    generator  -mean D(G(z)), every fifth critic step
    encoder    ziz:   |z - E(G(z))|² / d
               izi:   |x - G(E(x))|² / n
               izi_f: |x - G(E(x))|² / n + kappa |f(x) - f(G(E(x)))|² / n_f
    score      A_R + kappa A_D, the two terms of izi_f;   map  |x - G(E(x))|

Differs from the paper: `width` 32 instead of 64 and shorter schedules by default, so that it trains on two
cores; Adam instead of RMSProp for the encoder. Images lie in [-1, 1] inside, so that terms are the paper's.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.blocks.residual import DownBlock, UpBlock
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update

# Channels of the levels from 4x4 up, in units of `width`; larger images repeat the first.
MULTIPLES = (8, 8, 4, 2, 1)
SAMPLES = 16


class FAnoGan(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`gan_steps` counts critic steps."""

        width: int = 32
        latent: int = 128
        gan_steps: int = 4000
        encoder_steps: int = 2000
        critic_turns: int = 5
        penalty: float = 10.0
        learning_rate: float = 1e-4
        encoder_learning_rate: float = 1e-4
        encoder_loss: Literal["ziz", "izi", "izi_f"] = "izi_f"
        latent_activation: Literal["tanh", "none"] = "tanh"
        kappa: float = 1.0

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.shape = shape
        widths = _widths(shape, options.width)
        self.generator = Generator(shape, options.latent, widths)
        self.critic = Critic(shape, 1, widths)
        self.encoder = Critic(shape, options.latent, widths)
        self.register_buffer("_fixed_latent", torch.randn(SAMPLES, options.latent))
        self._fixed_latent: Tensor

    def stages(self) -> Sequence[Stage]:
        return [
            Descent("gan", self.options.gan_steps, self._gan_optimizers, self._gan_step),
            Descent("encoder", self.options.encoder_steps, self._encoder_optimizers, self._encoder_step),
        ]

    def forward(self, images: Tensor) -> Prediction:
        real = images * 2 - 1
        fake = self.generator(self._encode(real))
        residual = mean_per_image((real - fake) ** 2)
        features = mean_per_image((self.critic.features(real) - self.critic.features(fake)) ** 2)
        anomaly_map = (real - fake).abs().mean(dim=1, keepdim=True)
        return Prediction(residual + self.options.kappa * features, anomaly_map, (fake + 1) / 2)

    def samples(self) -> Tensor:
        with torch.no_grad():
            return (self.generator(self._fixed_latent) + 1) / 2

    def _encode(self, real: Tensor) -> Tensor:
        latent = self.encoder(real)
        return torch.tanh(latent) if self.options.latent_activation == "tanh" else latent

    def _latent(self, images: Tensor) -> Tensor:
        return torch.randn(len(images), self.options.latent, device=images.device)

    def _gan_optimizers(self) -> Mapping[str, Optimizer]:
        rate, betas = self.options.learning_rate, (0.0, 0.9)
        return {
            "critic": Adam(self.critic.parameters(), lr=rate, betas=betas),
            "generator": Adam(self.generator.parameters(), lr=rate, betas=betas),
        }

    def _gan_step(self, batch: Batch, number: int) -> Iterator[Update]:
        real = batch.images * 2 - 1
        with torch.no_grad():
            fake = self.generator(self._latent(real))
        gap = self.critic(fake).mean() - self.critic(real).mean()
        penalty = self._gradient_penalty(real, fake)
        yield Update("critic", gap + self.options.penalty * penalty, {"critic_gap": -gap, "penalty": penalty})
        if (number + 1) % self.options.critic_turns == 0:
            loss = -self.critic(self.generator(self._latent(real))).mean()
            yield Update("generator", loss, {"generator": loss})

    def _gradient_penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def _encoder_optimizers(self) -> Mapping[str, Optimizer]:
        self.generator.requires_grad_(False)
        self.critic.requires_grad_(False)
        rate = self.options.encoder_learning_rate
        return {"encoder": Adam(self.encoder.parameters(), lr=rate, betas=(0.5, 0.999))}

    def _encoder_step(self, batch: Batch, _number: int) -> Iterator[Update]:
        self.generator.eval()  # its batch statistics are part of what was learned
        real = batch.images * 2 - 1
        if self.options.encoder_loss == "ziz":
            latent = self._latent(real)
            loss = ((latent - self._encode(self.generator(latent))) ** 2).mean()
            yield Update("encoder", loss, {"latent": loss})
            return
        fake = self.generator(self._encode(real))
        residual = ((real - fake) ** 2).mean()
        if self.options.encoder_loss == "izi":
            yield Update("encoder", residual, {"residual": residual})
            return
        features = ((self.critic.features(real) - self.critic.features(fake)) ** 2).mean()
        loss = residual + self.options.kappa * features
        yield Update("encoder", loss, {"residual": residual, "features": features})


class Generator(nn.Module):
    """Latent `(B, latent)` to images `(B, C, H, W)` in [-1, 1]; starts from an H/2ⁿ x W/2ⁿ grid."""

    def __init__(self, shape: InputShape, latent: int, widths: Sequence[int]) -> None:
        super().__init__()
        doublings = len(widths) - 1
        self.start = (widths[0], shape.height >> doublings, shape.width >> doublings)
        self.expand = nn.Linear(latent, self.start[0] * self.start[1] * self.start[2])
        self.blocks = nn.Sequential(*(UpBlock(a, b) for a, b in itertools.pairwise(widths)))
        self.head = nn.Sequential(
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
            nn.Conv2d(widths[-1], shape.channels, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor) -> Tensor:
        return self.head(self.blocks(self.expand(latent).unflatten(1, self.start)))


class Critic(nn.Module):
    """Images `(B, C, H, W)` in [-1, 1] to `(B, outputs)`; the encoder has the same trunk."""

    def __init__(self, shape: InputShape, outputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        falling = widths[::-1]
        self.stem = nn.Conv2d(shape.channels, falling[0], 3, padding=1)
        self.blocks = nn.Sequential(*(DownBlock(a, b) for a, b in itertools.pairwise(falling)))
        doublings = len(widths) - 1
        self.head = nn.Linear(falling[-1] * (shape.height >> doublings) * (shape.width >> doublings), outputs)

    def features(self, images: Tensor) -> Tensor:
        """The penultimate features f, `(B, n_f)`."""
        return self.blocks(self.stem(images)).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def _widths(shape: InputShape, width: int) -> list[int]:
    """Channels of each level, from the coarsest (4 pixels a side at the least) to the image's own size."""
    doublings = 0
    while min(shape.height, shape.width) >> (doublings + 1) >= 4:
        doublings += 1
    if doublings < 2 or shape.height % 2**doublings or shape.width % 2**doublings:
        raise ValueError(
            f"f_anogan needs sides of at least 16 that halve evenly down to 4 to 7 pixels; "
            f"they are {shape.height} x {shape.width}"
        )
    levels = doublings + 1
    multiples = [MULTIPLES[0]] * max(0, levels - len(MULTIPLES)) + list(MULTIPLES[-levels:])
    return [width * multiple for multiple in multiples]
