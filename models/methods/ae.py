"""Autoencoder with a small latent vector: what it cannot draw from so few numbers is anomalous.

Source: Cai et al., MedIAnomaly, 2024, https://arxiv.org/abs/2404.04518 (its `AE`, latent 16), after
Baur et al., 2020, https://arxiv.org/abs/2004.03271. With encoder E and decoder D,

    loss = mean (x - D(E(x)))²,   map = (x - x̂)²,   score = mean of the map.

Differs from the paper: steps instead of 250 epochs. A tiny latent (4 on chest X-rays) often does better.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update


class Autoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 16
        learning_rate: float = 1e-3
        steps: int = 2000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        reconstruction = self.decoder(self.encoder(images))
        anomaly_map = ((images - reconstruction) ** 2).mean(dim=1, keepdim=True)
        return Prediction(mean_per_image(anomaly_map), anomaly_map, reconstruction)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        loss = ((batch.images - self.decoder(self.encoder(batch.images))) ** 2).mean()
        yield Update("autoencoder", loss, {"loss": loss})
