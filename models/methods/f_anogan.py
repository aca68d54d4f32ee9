"""f-AnoGAN: a GAN learns normal images, an encoder learns the way back to its latent space.

Source: Schlegl et al., f-AnoGAN, 2019, https://doi.org/10.1016/j.media.2019.01.010. G is the generator, D its
critic, f the critic's penultimate features, E the encoder, d and n the sizes of the latent and the image:

    generator  wgan_gp as in the paper, or dcgan or gan (`models/blocks/gan.py` has their losses)
    encoder    ziz:   |z - E(G(z))|² / d
               izi:   |x - G(E(x))|² / n
               izi_f: |x - G(E(x))|² / n + kappa |f(x) - f(G(E(x)))|² / n_f
               vae:   E gives a mean and a log variance, z is drawn; + kl_weight KL(q(z|x) | N(0, I)) / d
    score      A_R + kappa A_D, the two terms of izi_f, z being the mean;   map  |x - G(E(x))|

Between the two a gate stops the run of a generator that has collapsed (`models/blocks/quality.py`).

Differs from the paper: `width` 16 instead of 64 and shorter schedules by default, so that it trains on two
cores; Adam instead of RMSProp for the encoder. Images lie in [-1, 1] inside, so that terms are the paper's.
Options beyond the paper: the other generators, `encoder = "vae"`, and `average`, the generator's moving
average.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.gan import Gan, GanOptions, Kind, networks
from models.blocks.quality import QualityGate
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update


class FAnoGan(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`gan_steps` counts the critic's steps; `critic_turns` and `penalty` are wgan_gp's alone.

        `least_diversity` and `most_distance` are the gate's.
        """

        generator: Kind = "wgan_gp"
        width: int = 16
        latent: int = 128
        gan_steps: int = 1000
        critic_turns: int = 5
        penalty: float = 10.0
        learning_rate: float = 1e-4
        average: float = 0.0
        least_diversity: float = 0.5
        most_distance: float = 0.5
        encoder: Literal["ae", "vae"] = "ae"
        encoder_steps: int = 1000
        encoder_learning_rate: float = 1e-4
        encoder_loss: Literal["ziz", "izi", "izi_f"] = "izi_f"
        latent_activation: Literal["tanh", "none"] = "tanh"
        kl_weight: float = 1e-2
        kappa: float = 1.0

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.gan = Gan(
            shape,
            GanOptions(
                kind=options.generator,
                width=options.width,
                latent=options.latent,
                learning_rate=options.learning_rate,
                critic_turns=options.critic_turns,
                penalty=options.penalty,
                average=options.average,
            ),
        )
        self.gate = QualityGate(
            self.gan.generate, least_diversity=options.least_diversity, most_distance=options.most_distance
        )
        made = networks(options.generator, shape, latent=options.latent, width=options.width)
        self.encoder = made.trunk(options.latent * (2 if options.encoder == "vae" else 1))

    def stages(self) -> Sequence[Stage]:
        return [
            Descent("gan", self.options.gan_steps, self.gan.optimizers, self.gan.step),
            Observation("quality", self.gate.observe, self.gate.finalize),
            Descent("encoder", self.options.encoder_steps, self._encoder_optimizers, self._encoder_step),
        ]

    def forward(self, images: Tensor) -> Prediction:
        real = images * 2 - 1
        fake = self.gan.best(self._encode(real))
        features = mean_per_image((self.gan.critic.features(real) - self.gan.critic.features(fake)) ** 2)
        score = mean_per_image((real - fake) ** 2) + self.options.kappa * features
        return Prediction(score, (real - fake).abs().mean(dim=1, keepdim=True), (fake + 1) / 2)

    def pictures(self) -> Mapping[str, Tensor]:
        return self.gan.pictures()

    def _encode(self, real: Tensor) -> Tensor:
        """The latent of images, a VAE's mean, `(B, latent)`."""
        latent = self.encoder(real)[:, : self.options.latent]
        bounded = self.options.latent_activation == "tanh" and self.options.encoder == "ae"
        return torch.tanh(latent) if bounded else latent

    def _drawn(self, real: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The latent to train with, drawn if by a VAE, and then its term of the loss."""
        if self.options.encoder == "ae":
            return self._encode(real), {}
        mean, log_variance = self.encoder(real).chunk(2, dim=1)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        return latent, {"divergence": self.options.kl_weight * divergence}

    def _encoder_optimizers(self) -> Mapping[str, Optimizer]:
        self.gan.requires_grad_(False)
        rate = self.options.encoder_learning_rate
        return {"encoder": Adam(self.encoder.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)}

    def _encoder_step(self, batch: Batch, _number: int) -> Iterator[Update]:
        self.gan.eval()  # its batch statistics are part of what was learned
        real = batch.images * 2 - 1
        terms = self._cycle(len(real)) if self.options.encoder_loss == "ziz" else self._reconstruct(real)
        loss = torch.stack(list(terms.values())).sum()
        yield Update("encoder", loss, terms)

    def _cycle(self, count: int) -> Mapping[str, Tensor]:
        """Terms of the loss from the latent space and back to it."""
        latent = self.gan.draw(count)
        found, terms = self._drawn(self.gan.best(latent))
        return {"latent": ((latent - found) ** 2).mean(), **terms}

    def _reconstruct(self, real: Tensor) -> Mapping[str, Tensor]:
        """Terms of the loss from images and back to them."""
        latent, terms = self._drawn(real)
        fake = self.gan.best(latent)
        residual = {"residual": ((real - fake) ** 2).mean(), **terms}
        if self.options.encoder_loss == "izi":
            return residual
        apart = self.gan.critic.features(real) - self.gan.critic.features(fake)
        return {**residual, "features": self.options.kappa * (apart**2).mean()}
