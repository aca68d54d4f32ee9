"""GANomaly: an autoencoder whose reconstruction is encoded again, where normal images find their latent back.

Source: Akcay et al., GANomaly, 2018, https://arxiv.org/abs/1805.06725. With encoder E, decoder D, a second
encoder E', the discriminator's penultimate features f, z = E(x), x̂ = D(z) and ẑ = E'(x̂),

    generator      adversarial_weight mean (f(x) - f(x̂))² + contextual_weight mean |x - x̂|
                   + encoder_weight mean (z - ẑ)²
    discriminator  (-log s(C(x)) - log(1 - s(C(x̂)))) / 2,   s being the sigmoid
    score          mean |z - ẑ|,   map  |x - x̂|.

Differs from the paper: `width` 32 instead of 64 and steps instead of 15 epochs; a discriminator that has won
is not started afresh, as the authors' code does. The authors have no map; the residual is what others take.
Their code squares the score; the paper's is kept. Option beyond the paper: `score = "contextual"` is the mean
of the map.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, Optimizer

from models.blocks.dcgan import DcganDiscriminator, DcganGenerator
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update


class Ganomaly(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 32
        latent: int = 100
        adversarial_weight: float = 1.0
        contextual_weight: float = 50.0
        encoder_weight: float = 1.0
        learning_rate: float = 2e-4
        steps: int = 1200
        score: Literal["encoder", "contextual"] = "encoder"

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = DcganDiscriminator(shape, options.latent, width=options.width)
        self.decoder = DcganGenerator(shape, options.latent, width=options.width)
        self.second_encoder = DcganDiscriminator(shape, options.latent, width=options.width)
        self.discriminator = DcganDiscriminator(shape, 1, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("adversarial", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        real = images * 2 - 1
        latent = self.encoder(real)
        fake = self.decoder(latent)
        anomaly_map = (real - fake).abs().mean(dim=1, keepdim=True)
        if self.options.score == "encoder":
            score = mean_per_image((latent - self.second_encoder(fake)).abs())
        else:
            score = mean_per_image(anomaly_map)
        return Prediction(score, anomaly_map, (fake + 1) / 2)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        networks = (self.encoder, self.decoder, self.second_encoder)
        generator = [parameter for network in networks for parameter in network.parameters()]
        rate, betas = self.options.learning_rate, (0.5, 0.999)
        return {
            "generator": Adam(generator, lr=rate, betas=betas, fused=True),
            "discriminator": Adam(self.discriminator.parameters(), lr=rate, betas=betas, fused=True),
        }

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        real = batch.images * 2 - 1
        latent = self.encoder(real)
        fake = self.decoder(latent)
        self.discriminator.requires_grad_(False)  # its gradients would be worked out for nothing
        with torch.no_grad():
            wanted = self.discriminator.features(real)
        adversarial = ((wanted - self.discriminator.features(fake)) ** 2).mean()
        contextual = (real - fake).abs().mean()
        encoder = ((latent - self.second_encoder(fake)) ** 2).mean()
        options = self.options
        loss = (
            options.adversarial_weight * adversarial
            + options.contextual_weight * contextual
            + options.encoder_weight * encoder
        )
        terms = {"adversarial": adversarial, "contextual": contextual, "encoder": encoder}
        yield Update("generator", loss, terms)
        self.discriminator.requires_grad_(True)
        on_real, on_fake = self.discriminator(real), self.discriminator(fake.detach())
        loss = 0.5 * (functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean())
        yield Update("discriminator", loss, {"discriminator": loss})
