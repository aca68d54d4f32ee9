"""Deep SVDD: a network that pulls the normals into a small sphere; what stays outside is anomalous.

Source: Ruff et al., Deep One-Class Classification, 2018, https://proceedings.mlr.press/v80/ruff18a.html, and
the authors' code, https://github.com/lukasruff/Deep-SVDD-PyTorch. An autoencoder trains the network phi
first; the centre c is the mean of phi over the normals; then with d(x) = |phi(x) - c|²

    hard:   loss = mean d,                                              score = d,
    soft:   loss = R² + mean max(0, d - R²) / nu,                       score = d - R²,
    joint:  loss = 0.75 mean d + 0.25 mean over images of sum |x - x̂|,  score = d,

where R is the (1 - nu) quantile of sqrt(d) in the batch, after a warm-up with R = 0. The literature has no
map; ours is |(x - mean normal) ⊙ gradient of d at x|, blurred: the first-order share of every pixel in d,
against the mean normal as reference (gradient times difference: Shrikumar et al., 2017,
https://arxiv.org/abs/1704.02685).

Differs from the paper: images above 32 pixels get more blocks; schedules of 1,000 and 1,500 steps at ten
times the learning rate so that it trains on two cores (the paper: 350 epochs of the autoencoder and 250 of
the sphere on MNIST, batches of 200, a learning rate of 1e-4). `joint` is no part of the paper but of later
use on chest X-rays, where its autoencoder was a ResNet-18.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.filters import gaussian_blur
from models.blocks.hypersphere import Centre
from models.blocks.lenet import LeNetDecoder, LeNetEncoder, lenet_outputs, lenet_widths
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update
from models.schedules import step_at


class DeepSvdd(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """Without `widths` and with `representation` 0 the image size chooses the network.

        `decay_at` and `warm_up` are shares of the steps: from there on the learning rate is a tenth, and R
        moves. `map_sigma` is in pixels.
        """

        objective: Literal["hard", "soft", "joint"] = "hard"
        nu: float = 0.1
        widths: tuple[int, ...] = ()
        representation: int = 0
        learning_rate: float = 1e-3
        weight_decay: float = 1e-6
        pretrain_weight_decay: float = 1e-6
        pretrain_steps: int = 1000
        steps: int = 1500
        decay_at: float = 1 / 3
        warm_up: float = 1 / 15
        distance_weight: float = 0.75
        reconstruction_weight: float = 0.25
        map_sigma: float = 1.0

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        widths = options.widths or lenet_widths(shape)
        length = options.representation or lenet_outputs(shape)
        self.encoder = LeNetEncoder(shape, length, widths=widths)
        self.decoder = LeNetDecoder(shape, length, widths=widths)
        self.centre = Centre(length, (shape.channels, shape.height, shape.width))
        self.radius: Tensor
        self.register_buffer("radius", torch.zeros(()))

    def stages(self) -> Sequence[Stage]:
        steps, rate = self.options, step_at(self.options.decay_at)
        return [
            Descent("pretrain", steps.pretrain_steps, self._pretrain_optimizers, self._pretrain_step, rate),
            Observation("centre", self.observe, self.centre.finalize),
            Descent("one-class", steps.steps, self._optimizers, self._step, rate),
        ]

    def observe(self, images: Tensor) -> None:
        self.centre.observe(images, self.encoder(images))

    def forward(self, images: Tensor) -> Prediction:
        representations = self.encoder(images)
        distance = self.centre.squared_distance(representations)
        score = distance - self.radius**2 if self.options.objective == "soft" else distance
        gradient = self.encoder.gradient(images, 2 * (representations - self.centre.value))
        share = ((images - self.centre.image) * gradient).sum(dim=1, keepdim=True).abs()
        reconstruction = self.decoder(representations) if self.options.objective == "joint" else None
        return Prediction(score, gaussian_blur(share, self.options.map_sigma), reconstruction)

    def _pretrain_optimizers(self) -> Mapping[str, Optimizer]:
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        decay = self.options.pretrain_weight_decay
        optimizer = Adam(parameters, lr=self.options.learning_rate, weight_decay=decay)
        return {"autoencoder": optimizer}

    def _pretrain_step(self, batch: Batch, _number: int) -> Iterator[Update]:
        residual = (batch.images - self.decoder(self.encoder(batch.images))) ** 2
        loss = residual.flatten(1).sum(dim=1).mean()
        yield Update("autoencoder", loss, {"residual": mean_per_image(residual).mean()})

    def _optimizers(self) -> Mapping[str, Optimizer]:
        parameters = list(self.encoder.parameters())
        if self.options.objective == "joint":
            parameters += list(self.decoder.parameters())
        rate, decay = self.options.learning_rate, self.options.weight_decay
        optimizer = Adam(parameters, lr=rate, weight_decay=decay)
        return {"network": optimizer}

    def _step(self, batch: Batch, number: int) -> Iterator[Update]:
        representations = self.encoder(batch.images)
        distance = self.centre.squared_distance(representations)
        yield Update("network", self._loss(batch.images, representations, distance), {"d": distance.mean()})
        if self.options.objective == "soft" and number >= self.options.warm_up * self.options.steps:
            self.radius = torch.quantile(distance.detach().sqrt(), 1 - self.options.nu)

    def _loss(self, images: Tensor, representations: Tensor, distance: Tensor) -> Tensor:
        if self.options.objective == "soft":
            outside = torch.relu(distance - self.radius**2)
            return self.radius**2 + outside.mean() / self.options.nu
        if self.options.objective == "joint":
            residual = (images - self.decoder(representations)).abs().flatten(1).sum(dim=1).mean()
            weight = self.options.reconstruction_weight
            return self.options.distance_weight * distance.mean() + weight * residual
        return distance.mean()
