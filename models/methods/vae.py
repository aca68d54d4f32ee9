"""Variational autoencoder: an autoencoder whose latent vectors follow a known law.

Source: Kingma and Welling, 2014, https://arxiv.org/abs/1312.6114; for anomalies Baur et al., 2020,
https://arxiv.org/abs/2004.03271. With q(z|x) = N(mu, exp(log_variance)) and z drawn from it in training,

    loss = mean (x - D(z))² + kl_weight KL(q(z|x) | N(0, I)) / d,
    map = (x - D(mu))²,   score = mean of the map + kl_weight KL / d, the negative ELBO up to constants.

Differs from the papers: terms are means, with MedIAnomaly's weight of 0.005, so that the weight does not
depend on the image size.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update


class VariationalAutoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 16
        kl_weight: float = 0.005
        learning_rate: float = 1e-3
        steps: int = 2000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, 2 * options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        reconstruction = self.decoder(mean)
        anomaly_map = ((images - reconstruction) ** 2).mean(dim=1, keepdim=True)
        score = mean_per_image(anomaly_map) + self.options.kl_weight * _divergence(mean, log_variance)
        return Prediction(score, anomaly_map, reconstruction)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        mean, log_variance = self.encoder(batch.images).chunk(2, dim=1)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        residual = ((batch.images - self.decoder(latent)) ** 2).mean()
        divergence = _divergence(mean, log_variance).mean()
        loss = residual + self.options.kl_weight * divergence
        yield Update("autoencoder", loss, {"residual": residual, "divergence": divergence})


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) | N(0, I)) over the latent's length, `(B,)`."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean(dim=1)
