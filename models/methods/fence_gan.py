"""FenceGAN: a generator encircles the normal images, so that the discriminator itself tells who is outside.

Source: Ngo et al., Fence GAN, 2019, https://arxiv.org/abs/1904.01209. With the generator G, z ~ N(0, I), the
discriminator D in (0, 1) and m the mean of a batch of generated images,

    discriminator  -mean log D(x) - gamma mean log(1 - D(G(z)))
    generator      mean H(alpha, D(G(z))) + beta / mean |G(z) - m|,   H(a, p) = -a log p - (1 - a) log(1 - p)
    score          -log(D(x) / (1 - D(x))), which ranks as the paper's 1 - D(x) does and never saturates.

The discriminator learns `pretrain_steps` alone first. Defaults are the paper's for CIFAR-10.

Differs from the paper: DCGAN's generator, a discriminator of strided convolutions for any size, and steps
instead of 150 epochs; the discriminator sees real and generated images in one step; its activations are
smooth (SiLU), so that its gradient exports. The paper has no map: ours is the first-order share of every
pixel against the mean normal, |(x - mean) ⊙ dscore/dx|, blurred (gradient times input: Shrikumar et al.,
2017, https://arxiv.org/abs/1704.02685)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from models.blocks.dcgan import DcganGenerator
from models.blocks.filters import gaussian_blur
from models.blocks.wasserstein import strided_critic
from models.gradients import InputGradient
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update

# Of the shorter side; the same as that of other maps made of gradients.
BLUR = 4 / 224
SAMPLES = 16


class FenceGan(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`alpha`, `beta` and `gamma` are the paper's: .1, 30 and .1 for MNIST."""

        width: int = 32
        latent: int = 256
        alpha: float = 0.5
        beta: float = 10.0
        gamma: float = 0.5
        learning_rate: float = 1e-4
        generator_learning_rate: float = 1e-3
        pretrain_steps: int = 100
        steps: int = 1500

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.shape = shape
        self.generator = DcganGenerator(shape, options.latent, width=options.width)
        self.discriminator = strided_critic(shape, options.width, activation=nn.SiLU)
        self.gradient = InputGradient(self._score)
        self.register_buffer("mean", torch.zeros(1, shape.channels, shape.height, shape.width))
        self.register_buffer("_fixed", torch.randn(SAMPLES, options.latent))
        self.mean: Tensor
        self._fixed: Tensor
        self._count = 0

    def stages(self) -> Sequence[Stage]:
        return [
            Observation("mean", self.observe, self.finalize),
            Descent("pretrain", self.options.pretrain_steps, self._pretrain_optimizers, self._pretrain_step),
            Descent("fence", self.options.steps, self._optimizers, self._step),
        ]

    def observe(self, images: Tensor) -> None:
        if self._count == 0:
            self.mean = torch.zeros_like(self.mean)
        self.mean = self.mean + images.sum(dim=0, keepdim=True)
        self._count += len(images)

    def finalize(self) -> None:
        self.mean = self.mean / self._count
        self._count = 0

    def forward(self, images: Tensor) -> Prediction:
        share = (images - self.mean) * self.gradient(images)
        blur = BLUR * min(self.shape.height, self.shape.width)
        anomaly_map = gaussian_blur(share.sum(dim=1, keepdim=True).abs(), blur)
        return Prediction(self._score(images), anomaly_map, None)

    def pictures(self) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return {"samples": (self.generator(self._fixed) + 1) / 2}

    def _score(self, images: Tensor) -> Tensor:
        return -self.discriminator(images * 2 - 1)[:, 0]

    def _generate(self, count: int) -> Tensor:
        latent = torch.randn(count, self.options.latent, device=self.mean.device)
        return self.generator(latent)

    def _pretrain_optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.learning_rate
        return {"discriminator": Adam(self.discriminator.parameters(), lr=rate, fused=True)}

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.generator_learning_rate
        generator = Adam(self.generator.parameters(), lr=rate, fused=True)
        return {**self._pretrain_optimizers(), "generator": generator}

    def _pretrain_step(self, batch: Batch, _number: int) -> Iterator[Update]:
        yield self._discriminate(batch.images * 2 - 1)

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        yield self._discriminate(batch.images * 2 - 1)
        self.discriminator.requires_grad_(False)  # its gradients would be worked out for nothing
        fake = self._generate(len(batch.images))
        logits = self.discriminator(fake)[:, 0]
        wanted = torch.full_like(logits, self.options.alpha)
        fence = functional.binary_cross_entropy_with_logits(logits, wanted)
        apart = (fake - fake.mean(dim=0, keepdim=True)).flatten(1).norm(dim=1).mean()
        dispersion = self.options.beta / apart
        yield Update("generator", fence + dispersion, {"fence": fence, "dispersion": dispersion})
        self.discriminator.requires_grad_(True)

    def _discriminate(self, real: Tensor) -> Update:
        with torch.no_grad():
            fake = self._generate(len(real))
        on_real, on_fake = self.discriminator(torch.cat([real, fake])).chunk(2)
        loss = functional.softplus(-on_real).mean() + self.options.gamma * functional.softplus(on_fake).mean()
        return Update("discriminator", loss, {"discriminator": loss})
