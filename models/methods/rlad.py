"""RLAD: an autoencoder whose latent directions tell single normals, then neighbourhoods of them, apart.

Source: no paper is known to us; the recipe is that of public comparisons on chest X-rays, which joins an
autoencoder with Huang et al., Unsupervised Deep Learning by Neighbourhood Discovery, 2019,
https://arxiv.org/abs/1904.11567. With z_i = E(x_i) / |E(x_i)|, a memory m of them that moves
by m_i <- momentum m_i + (1 - momentum) z_i, and p_ij the softmax over j of z_i m_j / temperature,

    L_i = -log sum over j in N(i) of p_ij for anchors,   L_i = -log p_ii for the others,
    loss = contrast_weight mean L_i + reconstruction_weight mean |x - D(z)|,
    score = mean over the k nearest m of angle(z, m) / pi,   map = |x - D(z)|.

N(i) is i and its `neighbourhood` most alike. Anchors are the share of images whose p_i has the lowest
entropy: none in the first round, `selection_rate` more in every further one, all in the last. As in Huang's
work an image is changed a little, by the strength `augment`, each time that it is learned from.

Learns by remembering: it holds the latent vectors of all training images. Say so in its card.

Differs from the recipe: the small autoencoder of our other methods instead of a ResNet-18 at 224 pixels; a
pass over all images fills the memory anew before each round, and for the score after the last; 100 steps a
round instead of 50 epochs, with a learning rate of 1e-3 instead of 1e-4; angles are computed from chords
instead of clamped products.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, Optimizer

from models.blocks.angles import nearest_angle, unit
from models.blocks.augment import augment
from models.blocks.autoencoder import Decoder, Encoder
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update

# What the number of training images decides: a checkpoint knows it, an untrained method does not.
GROWN = ("memory", "neighbourhoods", "is_anchor")


class Rlad(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        latent: int = 200
        temperature: float = 0.1
        momentum: float = 0.5
        neighbourhood: int = 10
        selection_rate: float = 0.1
        contrast_weight: float = 1.0
        reconstruction_weight: float = 1.0
        augment: float = 1.0
        neighbours: int = 5
        learning_rate: float = 1e-3
        steps_per_round: int = 100

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)
        self._seen: list[Tensor] = []
        self.memory: Tensor
        self.neighbourhoods: Tensor
        self.is_anchor: Tensor
        self.register_buffer("memory", torch.empty(0))  # (N, latent)
        self.register_buffer("neighbourhoods", torch.empty(0, dtype=torch.long))  # (N, 1 + neighbourhood)
        self.register_buffer("is_anchor", torch.empty(0, dtype=torch.bool))  # (N,)

    def stages(self) -> Sequence[Stage]:
        rounds = math.ceil(1 / self.options.selection_rate) + 1
        stages: list[Stage] = []
        for number in range(rounds):
            share = min(1.0, number * self.options.selection_rate)
            stages.append(Observation(f"discover {number}", self.observe, partial(self.discover, share)))
            steps = self.options.steps_per_round
            stages.append(Descent(f"round {number}", steps, self._optimizers, self._step))
        return [*stages, Observation("remember", self.observe, partial(self.discover, 0.0))]

    def observe(self, images: Tensor) -> None:
        self._seen.append(unit(self.encoder(images)).detach())

    def discover(self, share: float) -> None:
        """Make the memory of what was seen, and anchors of the `share` with the clearest neighbours.

        Raises:
            ValueError: Fewer images than neighbours were seen.
        """
        seen = torch.cat(self._seen)
        self._seen.clear()
        least = max(self.options.neighbours, self.options.neighbourhood + 1)
        if len(seen) < least:
            raise ValueError(f"rlad needs at least {least} training images; it saw {len(seen)}")
        self.memory = seen
        likeness = seen @ seen.T
        log_p = functional.log_softmax(likeness / self.options.temperature, dim=1)
        entropy = -(log_p.exp() * log_p).sum(dim=1)
        self.is_anchor = torch.zeros(len(seen), dtype=torch.bool, device=seen.device)
        self.is_anchor[torch.argsort(entropy)[: round(share * len(seen))]] = True
        likeness.fill_diagonal_(torch.inf)  # everyone is its own nearest, whatever the rounding
        self.neighbourhoods = torch.topk(likeness, self.options.neighbourhood + 1, dim=1).indices

    def forward(self, images: Tensor) -> Prediction:
        latent = unit(self.encoder(images))
        reconstruction = self.decoder(latent)
        anomaly_map = (images - reconstruction).abs().mean(dim=1, keepdim=True)
        score = nearest_angle(latent, self.memory, self.options.neighbours)
        return Prediction(score, anomaly_map, reconstruction)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        for name in GROWN:
            if prefix + name in state_dict:
                device = getattr(self, name).device
                setattr(self, name, torch.empty_like(state_dict[prefix + name], device=device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        images = augment(batch.images, strength=self.options.augment, mirror=False)
        latent = unit(self.encoder(images))
        residual = (images - self.decoder(latent)).abs().mean()
        contrast = self._contrast(latent, batch.indices).mean()
        loss = self.options.contrast_weight * contrast + self.options.reconstruction_weight * residual
        yield Update("autoencoder", loss, {"contrast": contrast, "residual": residual})
        with torch.no_grad():
            kept = self.options.momentum * self.memory[batch.indices]
            self.memory[batch.indices] = unit(kept + (1 - self.options.momentum) * latent)

    def _contrast(self, latent: Tensor, indices: Tensor) -> Tensor:
        """L_i of the images `indices`, `(B,)`."""
        log_p = functional.log_softmax(latent @ self.memory.T / self.options.temperature, dim=1)  # (B, N)
        own = log_p.gather(1, indices[:, None])[:, 0]
        together = log_p.gather(1, self.neighbourhoods[indices]).logsumexp(dim=1)
        return -torch.where(self.is_anchor[indices], together, own)
