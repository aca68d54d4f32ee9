"""Deep SAD: Deep SVDD that also learns from a few images of which it is known what they are.

Source: Ruff et al., Deep Semi-Supervised Anomaly Detection, 2020, https://arxiv.org/abs/1906.02694, equation
7, and the authors' code, https://github.com/lukasruff/Deep-SAD-PyTorch. An autoencoder trains the network
phi first; the centre c is the mean of phi over the normals; then with d(x) = |phi(x) - c|² and the label y,
0 where there is none, 1 normal, -1 anomalous,

    loss = mean over unlabelled d, over labelled eta (d + eps)^y,   score = d,

so that a labelled anomalous image is pushed away from the centre. Without labelled images, the data set's
`train_anomalous`, this is the unlabelled objective, the same as Deep SVDD's. The literature has no map; ours
is |(x - mean normal) ⊙ gradient of d at x|, blurred: the first-order share of every pixel in d, against the
mean normal as reference (gradient times difference: Shrikumar et al., 2017,
https://arxiv.org/abs/1704.02685).

Differs from the paper: the centre is the mean over the normals alone; images above 32 pixels get more
blocks; schedules of 1,000 and 1,500 steps at ten times the learning rate so that it trains on two cores (the
paper: 150 epochs each on MNIST, batches of 128, a learning rate of 1e-4).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.filters import gaussian_blur
from models.blocks.hypersphere import Centre
from models.blocks.lenet import LeNetDecoder, LeNetEncoder, lenet_outputs, lenet_widths
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update
from models.schedules import step_at

EPSILON = 1e-6


class DeepSad(AnomalyMethod):
    uses_labels: ClassVar[bool] = True

    @dataclass(frozen=True)
    class Options:
        """Without `widths` and with `representation` 0 the image size chooses the network.

        `decay_at` is the share of the steps from which on the learning rate is a tenth; `map_sigma` in
        pixels.
        """

        eta: float = 1.0
        widths: tuple[int, ...] = ()
        representation: int = 0
        learning_rate: float = 1e-3
        weight_decay: float = 5e-7
        pretrain_weight_decay: float = 5e-4
        pretrain_steps: int = 1000
        steps: int = 1500
        decay_at: float = 1 / 3
        map_sigma: float = 1.0

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        widths = options.widths or lenet_widths(shape)
        length = options.representation or lenet_outputs(shape)
        self.encoder = LeNetEncoder(shape, length, widths=widths)
        self.decoder = LeNetDecoder(shape, length, widths=widths)
        self.centre = Centre(length, (shape.channels, shape.height, shape.width))

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
        gradient = self.encoder.gradient(images, 2 * (representations - self.centre.value))
        share = ((images - self.centre.image) * gradient).sum(dim=1, keepdim=True).abs()
        return Prediction(distance, gaussian_blur(share, self.options.map_sigma), None)

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
        rate, decay = self.options.learning_rate, self.options.weight_decay
        optimizer = Adam(self.encoder.parameters(), lr=rate, weight_decay=decay)
        return {"network": optimizer}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        distance = self.centre.squared_distance(self.encoder(batch.images))
        labelled = self.options.eta * (distance + EPSILON) ** batch.labels
        loss = torch.where(batch.labels == 0, distance, labelled).mean()
        yield Update("network", loss, {"loss": loss})
