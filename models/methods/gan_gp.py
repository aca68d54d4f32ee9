"""GAN-GP: an autoencoder that has to fool a Wasserstein critic draws normal images, and no others.

Source: Tang et al., Abnormal Chest X-ray Identification With Generative Adversarial One-Class Classifier,
2019, https://arxiv.org/abs/1903.02040. With encoder E, decoder, x̂ the reconstruction and critic D,

    autoencoder  -mean D(x̂) + feature_weight mean (E(x) - E(x̂))² + residual_weight mean |x - x̂|
                 + structure_weight mean (1 - SSIM(x, x̂)) / 2, after every `critic_turns` turns of D
    critic       mean D(x̂) - mean D(x) + penalty mean (|∇D(x̃)| - 1)²    x̃ between x and x̂
    score        mean |x - x̂|,   map  |x - x̂|.

Differs from the paper: `width` 16 instead of 64 and thousands of steps instead of 200,000, so that two cores
train it; the critic halves the image down to 4 to 7 pixels whatever its size. The weights are those of the
authors' code. Option beyond the paper: `score = "features"` is the third term of the loss without its weight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.blocks.similarity import structural_similarity
from models.blocks.wasserstein import criticise, strided_critic
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update

# Residual blocks in the encoder, and as many in the decoder.
BLOCKS = 3


class GanGp(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`steps` counts the critic's."""

        width: int = 16
        feature_weight: float = 1.0
        residual_weight: float = 10.0
        structure_weight: float = 20.0
        penalty: float = 10.0
        critic_turns: int = 5
        learning_rate: float = 1e-4
        steps: int = 1500
        score: Literal["residual", "features"] = "residual"

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 4 or shape.width % 4:
            raise ValueError(
                f"gan_gp needs sides that are multiples of 4; they are {shape.height} x {shape.width}"
            )
        self.options = options
        width = options.width
        self.encoder = nn.Sequential(
            _convolution(shape.channels, width, 7),
            *_down(width, 2 * width),
            *_down(2 * width, 4 * width),
            *(_ResidualBlock(4 * width) for _ in range(BLOCKS)),
        )
        self.decoder = nn.Sequential(
            *(_ResidualBlock(4 * width) for _ in range(BLOCKS)),
            *_up(4 * width, 2 * width),
            *_up(2 * width, width),
            nn.Conv2d(width, shape.channels, 7, padding=3),
            nn.Tanh(),
        )
        self.critic = strided_critic(shape, width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("adversarial", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        real = images * 2 - 1
        features = self.encoder(real)
        fake = self.decoder(features)
        anomaly_map = (real - fake).abs().mean(dim=1, keepdim=True)
        if self.options.score == "residual":
            score = mean_per_image(anomaly_map)
        else:
            score = mean_per_image((features - self.encoder(fake)) ** 2)
        return Prediction(score, anomaly_map, (fake + 1) / 2)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate, betas = self.options.learning_rate, (0.5, 0.999)
        autoencoder = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {
            "autoencoder": Adam(autoencoder, lr=rate, betas=betas, fused=True),
            "critic": Adam(self.critic.parameters(), lr=rate, betas=betas, fused=True),
        }

    def _step(self, batch: Batch, number: int) -> Iterator[Update]:
        real = batch.images * 2 - 1
        with torch.no_grad():
            fake = self.decoder(self.encoder(real))
        yield criticise(self.critic, real, fake, penalty=self.options.penalty)
        if (number + 1) % self.options.critic_turns == 0:
            self.critic.requires_grad_(False)  # its gradients would be worked out for nothing
            yield self._reconstruct(real)
            self.critic.requires_grad_(True)

    def _reconstruct(self, real: Tensor) -> Update:
        features = self.encoder(real)
        fake = self.decoder(features)
        likeness = structural_similarity((real + 1) / 2, (fake + 1) / 2)
        terms = {
            "adversarial": -self.critic(fake).mean(),
            "features": self.options.feature_weight * ((features - self.encoder(fake)) ** 2).mean(),
            "residual": self.options.residual_weight * (real - fake).abs().mean(),
            "structure": self.options.structure_weight * ((1 - likeness) / 2).clamp(0, 1).mean(),
        }
        return Update("autoencoder", torch.stack(list(terms.values())).sum(), terms)


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(width, width, 3),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.InstanceNorm2d(width, affine=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.ReLU(),
    )


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.ReLU(),
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.ReLU(),
    )
