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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.gradient_penalty import gradient_penalty
from models.blocks.wgan import Critic, Generator, level_widths
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update

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
        widths = level_widths(shape, options.width)
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
        penalty = gradient_penalty(self.critic, real, fake)
        yield Update("critic", gap + self.options.penalty * penalty, {"critic_gap": -gap, "penalty": penalty})
        if (number + 1) % self.options.critic_turns == 0:
            loss = -self.critic(self.generator(self._latent(real))).mean()
            yield Update("generator", loss, {"generator": loss})

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
