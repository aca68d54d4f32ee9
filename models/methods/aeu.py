"""AE-U: an autoencoder that also says how far off it expects to be, pixel by pixel.

Source: Mao et al., Abnormality Detection in Chest X-Ray Images Using Uncertainty Prediction Autoencoders,
2020, https://doi.org/10.1007/978-3-030-59725-2_51. The decoder gives x̂ and a log-variance l:

    loss = mean (exp(-l) (x - x̂)² + l),   map = exp(-l) (x - x̂)²,   score = mean of the map.

Differs from the paper: the networks and the latent of 16 are MedIAnomaly's; l is kept within ±`limit`: a
constant background would drive it to minus infinity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update


class UncertaintyAutoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 16
        limit: float = 10.0
        learning_rate: float = 1e-3
        steps: int = 2000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, 2 * shape.channels, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        reconstruction, log_variance = self._decode(images)
        squares = (-log_variance).exp() * (images - reconstruction) ** 2
        anomaly_map = squares.mean(dim=1, keepdim=True)
        return Prediction(mean_per_image(anomaly_map), anomaly_map, reconstruction)

    def _decode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        reconstruction, log_variance = self.decoder(self.encoder(images)).chunk(2, dim=1)
        return reconstruction, log_variance.clamp(-self.options.limit, self.options.limit)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        reconstruction, log_variance = self._decode(batch.images)
        squares = (batch.images - reconstruction) ** 2
        loss = ((-log_variance).exp() * squares + log_variance).mean()
        yield Update("autoencoder", loss, {"loss": loss, "residual": squares.mean()})
