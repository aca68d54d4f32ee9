"""Compact autoencoder: an autoencoder whose latent vectors are drawn together around one centre.

Source: Cheng et al., Improved autoencoder for unsupervised anomaly detection, 2021,
https://doi.org/10.1002/int.22582, which adds Deep SVDD's distance (Ruff et al., 2018,
https://proceedings.mlr.press/v80/ruff18a.html) to the reconstruction; score after Hojjati and Armanfard,
2024, https://arxiv.org/abs/2106.05410. With z = E(x), and c the mean of z over the normals once a plain
autoencoder is trained,

    loss = mean (x - D(z))² + distance_weight |z - c|² / d,   map = (x - D(z))²,
    score = mean of the map + distance_weight |z - c|² / d.

Differs from the papers: terms are means, so that the weight does not depend on the image size; networks of
MedIAnomaly's size and thousands of steps, so that it trains on two cores.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update


class CompactAutoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 16
        distance_weight: float = 0.01
        learning_rate: float = 1e-3
        reconstruct_steps: int = 1000
        compact_steps: int = 1000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)
        self._seen: list[Tensor] = []
        self.centre: Tensor
        self.register_buffer("centre", torch.zeros(options.latent))

    def stages(self) -> Sequence[Stage]:
        return [
            Descent("reconstruct", self.options.reconstruct_steps, self._optimizers, self._reconstruct),
            Observation("centre", self.observe, self.finalize),
            Descent("compact", self.options.compact_steps, self._optimizers, self._compact),
        ]

    def observe(self, images: Tensor) -> None:
        self._seen.append(self.encoder(images))

    def finalize(self) -> None:
        self.centre = torch.cat(self._seen).mean(dim=0).detach()
        self._seen.clear()

    def forward(self, images: Tensor) -> Prediction:
        latent = self.encoder(images)
        reconstruction = self.decoder(latent)
        anomaly_map = ((images - reconstruction) ** 2).mean(dim=1, keepdim=True)
        score = mean_per_image(anomaly_map) + self.options.distance_weight * self._distance(latent)
        return Prediction(score, anomaly_map, reconstruction)

    def _distance(self, latent: Tensor) -> Tensor:
        """Mean square over the latent's length, `(B,)`."""
        return ((latent - self.centre) ** 2).mean(dim=1)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _reconstruct(self, batch: Batch, _number: int) -> Iterator[Update]:
        residual = ((batch.images - self.decoder(self.encoder(batch.images))) ** 2).mean()
        yield Update("autoencoder", residual, {"residual": residual})

    def _compact(self, batch: Batch, _number: int) -> Iterator[Update]:
        latent = self.encoder(batch.images)
        residual = ((batch.images - self.decoder(latent)) ** 2).mean()
        distance = self._distance(latent).mean()
        loss = residual + self.options.distance_weight * distance
        yield Update("autoencoder", loss, {"residual": residual, "distance": distance})
