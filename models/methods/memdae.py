"""MemDAE: an autoencoder whose latent directions of all normals are remembered.

Source: no paper is known to us; the recipe is that of public comparisons on chest X-rays, its memory and
nearest neighbours those of Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
Discrimination, 2018, https://arxiv.org/abs/1805.01978. With z = E(x) / |E(x)| and the memory m of the
training images' z,

    loss = mean |x - D(z)| + feature_weight mean (z - z(D(z)))²,
    score = mean over the k nearest m of angle(z, m) / pi,   map = |x - D(z)|.

Learns by remembering: it holds the latent vectors of all training images. Say so in its card.

Differs from the recipe: the small autoencoder of our other methods instead of a ResNet-18 at 224 pixels; the
memory is filled by one pass of the trained network, not with what each image's latent was when it was last
seen; 1,500 steps instead of 30 epochs; angles are computed from chords instead of clamped products.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.angles import nearest_angle, unit
from models.blocks.autoencoder import Decoder, Encoder
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update


class MemDae(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 200
        neighbours: int = 5
        feature_weight: float = 0.0
        learning_rate: float = 1e-3
        steps: int = 1500

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)
        self._seen: list[Tensor] = []
        self.memory: Tensor
        self.register_buffer("memory", torch.empty(0))  # (N, latent)

    def stages(self) -> Sequence[Stage]:
        return [
            Descent("reconstruct", self.options.steps, self._optimizers, self._step),
            Observation("remember", self.observe, self.finalize),
        ]

    def observe(self, images: Tensor) -> None:
        self._seen.append(unit(self.encoder(images)).detach())

    def finalize(self) -> None:
        """Turn what was seen into the memory.

        Raises:
            ValueError: Fewer images than neighbours were seen.
        """
        seen = torch.cat(self._seen)
        self._seen.clear()
        if len(seen) < self.options.neighbours:
            raise ValueError(
                f"memdae needs at least {self.options.neighbours} training images; it saw {len(seen)}"
            )
        self.memory = seen

    def forward(self, images: Tensor) -> Prediction:
        latent = unit(self.encoder(images))
        reconstruction = self.decoder(latent)
        anomaly_map = (images - reconstruction).abs().mean(dim=1, keepdim=True)
        score = nearest_angle(latent, self.memory, self.options.neighbours)
        return Prediction(score, anomaly_map, reconstruction)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # The memory's length is known only after training: take the checkpoint's.
        if prefix + "memory" in state_dict:
            self.memory = torch.empty_like(state_dict[prefix + "memory"], device=self.memory.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        latent = unit(self.encoder(batch.images))
        reconstruction = self.decoder(latent)
        residual = (batch.images - reconstruction).abs().mean()
        loss = residual
        if self.options.feature_weight > 0:
            again = unit(self.encoder(reconstruction))
            loss = loss + self.options.feature_weight * ((latent - again) ** 2).mean()
        yield Update("autoencoder", loss, {"residual": residual})
