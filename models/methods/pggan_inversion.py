"""PGGAN inversion: a GAN grown level by level draws normal images, and an encoder finds the nearest it draws.

Source: Karras et al., Progressive Growing of GANs, 2018, https://arxiv.org/abs/1710.10196; a progressive GAN
with an encoder on chest X-rays: Bhatt et al., P-AnoGAN, 2021, https://arxiv.org/abs/2108.02233; similarity at
several scales: Wang et al., 2003, https://doi.org/10.1109/ACSSC.2003.1292216. G is the generator, D the
critic, E the encoder, all at one level's sides; there a new level's share rises from 0 to 1 in the first half
of its steps, in G, in D and in the real images x:

    critic     mean D(G(z)) - mean D(x) + 10 mean (|∇D(x̃)| - 1)² + 0.001 mean D(x)²     x̃ between x and G(z)
    generator  -mean D(G(z)), every critic step
    encoder    mean d(x, G(E(x))),   d(x, y) = sum over scales of weight_k (1 - SSIM_k(x, y)) at each pixel
    map        d(x, G(E(x))),   score  mean of the map

Steps of refinement, of which there are none by default, start from z = E(x):

    z <- z - refinement_rate |z|² d/dz mean d(x, G(z)),   |z| being nothing to G.

Differs from the papers: scales are summed, not multiplied, and as many as the side has room for (see
`models/blocks/similarity.py`), so that there is a map; every level takes as many steps, with batches of one
size; thousands of images are seen, not millions, and there are 8 to 64 channels instead of 16 to 512, so that
two cores train it; no running average of the generator's weights. A gate stops the run of a generator that
has collapsed (`models/blocks/quality.py`). Option beyond the papers: `score = "top"` means the map's highest
percent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.gan import latent_pictures
from models.blocks.gradient_penalty import gradient_penalty
from models.blocks.progressive import ProgressiveCritic, ProgressiveGenerator, double, halve
from models.blocks.quality import QualityGate
from models.blocks.similarity import multi_scale_dissimilarity, scale_weights
from models.blocks.wgan import level_widths
from models.gradients import InputGradient
from models.loops import Loop
from models.losses import mean_per_image, top_mean_per_image
from models.method import (
    AnomalyMethod,
    Batch,
    Descent,
    InputShape,
    Observation,
    Prediction,
    Stage,
    Update,
)

SAMPLES = 16
# Of a level's steps, so many fade it in.
FADE = 0.5
BETAS = (0.0, 0.99)


class PgganInversion(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`level_steps` are those of each level; `least_diversity` and `most_distance` are the gate's.

        Refinement settles at rates near 1, and swings far above.
        """

        width: int = 8
        latent: int = 64
        level_steps: int = 400
        encoder_steps: int = 1000
        learning_rate: float = 1e-3
        encoder_learning_rate: float = 1e-3
        penalty: float = 10.0
        drift: float = 1e-3
        least_diversity: float = 0.5
        most_distance: float = 0.5
        refinement_steps: int = 0
        refinement_rate: float = 1.0
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        widths = level_widths(shape, options.width)
        self.shape = shape
        self.levels = len(widths)
        self.weights = scale_weights(shape.height, shape.width)
        self.generator = ProgressiveGenerator(shape, options.latent, widths)
        self.critic = ProgressiveCritic(shape, 1, widths, deviation=True)
        self.encoder = ProgressiveCritic(shape, options.latent, widths, deviation=False)
        self.gate = QualityGate(
            self._generate, least_diversity=options.least_diversity, most_distance=options.most_distance
        )
        self.gradient = InputGradient(self._unlikeness)
        self.refinement = Loop(self._refine)
        self.register_buffer("_fixed_latent", torch.randn(SAMPLES, options.latent))
        self._fixed_latent: Tensor

    def stages(self) -> Sequence[Stage]:
        last = self.levels - 1
        grow = [
            Descent(
                f"grow {self.shape.height >> (last - level)}x{self.shape.width >> (last - level)}",
                self.options.level_steps,
                self._gan_optimizers,
                self._growing(level),
            )
            for level in range(self.levels)
        ]
        return [
            *grow,
            Observation("quality", self.gate.observe, self.gate.finalize),
            Descent("encoder", self.options.encoder_steps, self._encoder_optimizers, self._encoder_step),
        ]

    def controls(self) -> Mapping[str, int]:
        return {"steps": self.options.refinement_steps}

    def forward(self, images: Tensor, steps: Tensor | None = None) -> Prediction:
        count = torch.tensor(self.options.refinement_steps, device=images.device) if steps is None else steps
        (latent,) = self.refinement(count, (self._encode(images),), (images,))
        drawn = self._draw(latent)
        anomaly_map = multi_scale_dissimilarity(images, drawn, self.weights)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, drawn.clamp(0, 1))

    def pictures(self) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return latent_pictures(lambda points: self._draw(points).clamp(0, 1), self._fixed_latent)

    def _generate(self, count: int) -> Tensor:
        return self._draw(self._latent(count)).clamp(0, 1)

    def _encode(self, images: Tensor) -> Tensor:
        return self.encoder(images * 2 - 1, self.levels - 1)

    def _draw(self, latent: Tensor) -> Tensor:
        """What G draws at full size, by and large in [0, 1]."""
        return (self.generator(latent, self.levels - 1) + 1) / 2

    def _unlikeness(self, latent: Tensor, images: Tensor) -> Tensor:
        return mean_per_image(multi_scale_dissimilarity(images, self._draw(latent), self.weights))

    def _refine(self, _number: Tensor, latent: Tensor, images: Tensor) -> tuple[Tensor]:
        # The shorter a latent, the longer its gradient: the move is a share of the latent at any length.
        step = self.options.refinement_rate * (latent**2).sum(dim=1, keepdim=True)
        return (latent - step * self.gradient(latent, images),)

    def _growing(self, level: int) -> Callable[[Batch, int], Iterator[Update]]:
        def step(batch: Batch, number: int) -> Iterator[Update]:
            share = min(1.0, (number + 1) / (FADE * self.options.level_steps)) if level else 1.0
            return self._gan_step(self._seen(batch.images, level, share), level, share)

        return step

    def _seen(self, images: Tensor, level: int, share: float) -> Tensor:
        """Real images in [-1, 1] at a level's sides; below a share of 1 the rest is the level before's."""
        for _halving in range(self.levels - 1 - level):
            images = halve(images)
        if share < 1:
            images = torch.lerp(double(halve(images)), images, share)
        return images * 2 - 1

    def _gan_optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.learning_rate
        return {
            "critic": Adam(self.critic.parameters(), lr=rate, betas=BETAS, fused=True),
            "generator": Adam(self.generator.parameters(), lr=rate, betas=BETAS, fused=True),
        }

    def _gan_step(self, real: Tensor, level: int, share: float) -> Iterator[Update]:
        def judge(images: Tensor) -> Tensor:
            return self.critic(images, level, share)

        with torch.no_grad():
            fake = self.generator(self._latent(len(real)), level, share)
        opinion = judge(real)
        gap = opinion.mean() - judge(fake).mean()
        # Through the batch's deviation an opinion depends on other images too; as in the authors' code.
        penalty = gradient_penalty(judge, real, fake)
        drift = (opinion**2).mean()
        loss = -gap + self.options.penalty * penalty + self.options.drift * drift
        yield Update("critic", loss, {"critic_gap": gap, "penalty": penalty})
        self.critic.requires_grad_(False)
        loss = -judge(self.generator(self._latent(len(real)), level, share)).mean()
        self.critic.requires_grad_(True)
        yield Update("generator", loss, {"generator": loss})

    def _latent(self, count: int) -> Tensor:
        return torch.randn(count, self.options.latent, device=self._fixed_latent.device)

    def _encoder_optimizers(self) -> Mapping[str, Optimizer]:
        self.generator.requires_grad_(False)
        rate = self.options.encoder_learning_rate
        return {"encoder": Adam(self.encoder.parameters(), lr=rate, betas=BETAS, fused=True)}

    def _encoder_step(self, batch: Batch, _number: int) -> Iterator[Update]:
        loss = self._unlikeness(self._encode(batch.images), batch.images).mean()
        yield Update("encoder", loss, {"dissimilarity": loss})
