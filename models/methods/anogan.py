"""AnoGAN: looks in the latent space of a GAN of normal images, step by step, for the image it is shown.

Source: Schlegl et al., Unsupervised Anomaly Detection with Generative Adversarial Networks to Guide Marker
Discovery, 2017, https://arxiv.org/abs/1703.05921. With the generator G, the discriminator D and f, the
penultimate features of D,

    L(z) = (1 - share) sum |x - G(z)| + share sum |f(x) - f(G(z))|
    z <- Adam's step down the gradient of L, `search_steps` times, from each of `starts` points of N(0, I)
    score = the least L,   map = |x - G(z)| at that z,   reconstruction = G(z).

A gate stops the run of a generator that has collapsed (`models/blocks/quality.py`).

Differs from the paper: 100 instead of 500 steps of search, `width` 32 instead of 64 and thousands of training
steps, so that two cores train and score it; the input `steps` and the options give the paper's. The search's
rate falls to zero along half a cosine, and `rounding` rounds the corners of |.| and of the ReLUs by 0.1: with
sharp ones torch and ONNX Runtime, which differ in the last digit, end at places whose maps differ by a tenth
(docs/decisions.md); 0 gives the paper's. Options beyond the paper: `starts`; the other generators of
`models/blocks/gan.py`, and the generator's average; `bounded` keeps z within the ball on whose surface
N(0, I) lies, out of which a generator draws what it never learned.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.blocks.corners import round_relus, rounded_abs
from models.blocks.gan import Gan, GanOptions, Kind
from models.blocks.quality import QualityGate
from models.gradients import InputGradient
from models.loops import Loop
from models.method import AnomalyMethod, Descent, InputShape, Observation, Prediction, Stage
from models.noise import normal_noise

FIRST_DECAY, SECOND_DECAY, ADAM_FLOOR = 0.9, 0.999, 1e-8


class AnoGan(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`gan_steps` counts the discriminator's steps; `critic_turns` and `penalty` are wgan_gp's alone.

        `least_diversity` and `most_distance` are the gate's; `search_rate` is in units of the latent, and
        `rounding` in those of the images in [-1, 1] and of the networks' activations.
        """

        generator: Kind = "dcgan"
        width: int = 32
        latent: int = 100
        gan_steps: int = 2000
        critic_turns: int = 5
        penalty: float = 10.0
        learning_rate: float = 2e-4
        average: float = 0.0
        least_diversity: float = 0.5
        most_distance: float = 0.5
        search_steps: int = 100
        search_rate: float = 0.1
        starts: int = 1
        bounded: bool = False
        feature_share: float = 0.1
        rounding: float = 0.1

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
        round_relus(self.gan, options.rounding)
        self.gate = QualityGate(
            self.gan.generate, least_diversity=options.least_diversity, most_distance=options.most_distance
        )
        self.gradient = InputGradient(self._loss)
        self.search = Loop(self._search)

    def stages(self) -> Sequence[Stage]:
        return [
            Descent("gan", self.options.gan_steps, self.gan.optimizers, self.gan.step),
            Observation("quality", self.gate.observe, self.gate.finalize),
        ]

    def controls(self) -> Mapping[str, int]:
        return {"steps": self.options.search_steps, "seed": 0}

    def forward(self, images: Tensor, steps: Tensor | None = None, seed: Tensor | None = None) -> Prediction:
        steps, seed = (
            torch.tensor(default, device=images.device) if given is None else given
            for given, default in zip((steps, seed), self.controls().values(), strict=True)
        )
        real = images * 2 - 1
        features = self.gan.critic.features(real)
        targets = (self._for_each_start(real), self._for_each_start(features))
        start = self._from_each_start(normal_noise(seed, (self.options.starts, self.options.latent)), images)
        latent, _first, _second = self.search(
            steps, (start, torch.zeros_like(start), torch.zeros_like(start)), (steps, *targets)
        )
        losses = self._loss(latent, *targets).reshape(images.shape[0], self.options.starts)
        score, best = losses.min(dim=1)
        ends = latent.reshape(images.shape[0], self.options.starts, self.options.latent)
        nearest = ends.gather(1, best[:, None, None].expand(-1, 1, self.options.latent))[:, 0]
        fake = self.gan.best(nearest)
        return Prediction(score, (real - fake).abs().mean(dim=1, keepdim=True), (fake + 1) / 2)

    def pictures(self) -> Mapping[str, Tensor]:
        return self.gan.pictures()

    def _for_each_start(self, values: Tensor) -> Tensor:
        """`(B, ...)` to `(B starts, ...)`, each image's copies in a row."""
        batch, starts = values.shape[0], self.options.starts
        rest = values.shape[1:]
        return values[:, None].expand(batch, starts, *rest).reshape(batch * starts, *rest)

    def _from_each_start(self, points: Tensor, images: Tensor) -> Tensor:
        """`(starts, latent)` to `(B starts, latent)`, the same for every image."""
        batch, (starts, latent) = images.shape[0], points.shape
        return points[None].expand(batch, starts, latent).reshape(batch * starts, latent)

    def _search(
        self, number: Tensor, latent: Tensor, first: Tensor, second: Tensor, steps: Tensor, *targets: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One step of Adam (Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980, algorithm 1)."""
        gradient = self.gradient(latent, *targets)
        first = FIRST_DECAY * first + (1 - FIRST_DECAY) * gradient
        second = SECOND_DECAY * second + (1 - SECOND_DECAY) * gradient**2
        turn = (number + 1).to(latent.dtype)
        mean, square = first / (1 - FIRST_DECAY**turn), second / (1 - SECOND_DECAY**turn)
        rate = self.options.search_rate * (1 + torch.cos(math.pi * number / steps)) / 2
        latent = latent - rate * mean / (square.sqrt() + ADAM_FLOOR)
        if self.options.bounded:
            length = (latent**2).sum(dim=1, keepdim=True).sqrt()
            latent = latent * (math.sqrt(self.options.latent) / (length + ADAM_FLOOR)).clamp(max=1)
        return latent, first, second

    def _loss(self, latent: Tensor, real: Tensor, features: Tensor) -> Tensor:
        """L, `(B,)`."""
        fake = self.gan.best(latent)
        share, rounding = self.options.feature_share, self.options.rounding
        residual = rounded_abs(real - fake, rounding).flatten(1).sum(dim=1)
        apart = features - self.gan.critic.features(fake)
        discrimination = rounded_abs(apart, rounding).flatten(1).sum(dim=1)
        return (1 - share) * residual + share * discrimination
