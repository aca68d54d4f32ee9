"""Memory-augmented autoencoder: an image is drawn from a few remembered latent vectors, all of normals.

Source: Gong et al., 2019, https://arxiv.org/abs/1904.02639; at this size Cai et al., MedIAnomaly, 2024,
https://arxiv.org/abs/2404.04518. With z = E(x), the sparse weights ŵ of the memory's slots and ẑ = ŵ M
(`models/blocks/memory.py`),

    loss = mean (x - D(ẑ))² + entropy_weight H(ŵ),   map = (x - D(ẑ))²,   score = mean of the map.

Differs from the paper: one query an image and MedIAnomaly's 25 slots, networks and mean instead of sum;
thousands of steps, so that it trains on two cores. `shrinkage` follows the paper's rule, 1/N to 3/N for N
slots. MedIAnomaly compares with `addressing = "dot"` and shrinks by 0.0025; the cosine's weights of 25 slots
are never that small.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.blocks.memory import Addressing, Memory, entropy
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update


class MemoryAutoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 16
        slots: int = 25
        addressing: Addressing = "cosine"
        shrinkage: float = 0.04
        entropy_weight: float = 2e-4
        learning_rate: float = 1e-3
        steps: int = 2000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.memory = Memory(
            options.slots, options.latent, shrinkage=options.shrinkage, addressing=options.addressing
        )
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        remembered, _weights = self.memory(self.encoder(images))
        reconstruction = self.decoder(remembered)
        anomaly_map = ((images - reconstruction) ** 2).mean(dim=1, keepdim=True)
        return Prediction(mean_per_image(anomaly_map), anomaly_map, reconstruction)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        remembered, weights = self.memory(self.encoder(batch.images))
        residual = ((batch.images - self.decoder(remembered)) ** 2).mean()
        disorder = entropy(weights).mean()
        loss = residual + self.options.entropy_weight * disorder
        yield Update("autoencoder", loss, {"residual": residual, "entropy": disorder})
