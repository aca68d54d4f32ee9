"""Perceptual autoencoder: drawn and true image are compared by what a network sees in them, not by pixels.

Source: Shvetsova et al., Anomaly Detection in Medical Imaging with Deep Perceptual Autoencoders, 2021,
https://arxiv.org/abs/2006.13265. With f̂ the features of a frozen network, each channel standardised,

    loss = score = mean |f̂(x) - f̂(x̂)| / mean |f̂(x)|,   map = |f̂(x) - f̂(x̂)| / mean |f̂(x)| over the channels,
    upsampled.

With `weights`, a file of torchvision's vgg19 state dict, f is the paper's VGG-19 up to relu4_2. Without, f is
a small VGG trained first on the same normals, as the encoder of a denoising autoencoder (Vincent et al.,
2008, https://doi.org/10.1145/1390156.1390294).

Differs from the paper: the channels' means and spreads are the training normals', not ImageNet's, and a
channel that is the same everywhere is left out; MedIAnomaly's small autoencoder with a latent vector instead
of a residual one, and thousands of steps, so that it trains on two cores (VGG-19 wants a GPU).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.blocks.vgg import VGG19_TO_RELU4_2, Vgg
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update

# What torchvision's weights were trained on, of red, green and blue.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)


class PerceptualAutoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`noise_sd`, in units of the image, [0, 1], is of the training of our own features."""

        width: int = 16
        latent: int = 16
        weights: str = ""
        feature_width: int = 8
        noise_sd: float = 0.2
        feature_steps: int = 500
        learning_rate: float = 1e-3
        steps: int = 1000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if options.weights and shape.channels not in (1, 3):
            raise ValueError(f"VGG-19 sees 1 or 3 channels; there are {shape.channels}")
        self.options = options
        self.shape = shape
        self.encoder = Encoder(shape, options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)
        width = options.feature_width
        if options.weights:
            self.features = Vgg(3, VGG19_TO_RELU4_2)
            channels = 512
        else:
            self.features = Vgg(
                shape.channels, (width, width, "pool", 2 * width, 2 * width, "pool", 4 * width, 4 * width)
            )
            channels = 4 * width
            self.denoiser = nn.Sequential(
                nn.ConvTranspose2d(channels, 2 * width, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(2 * width, shape.channels, 4, stride=2, padding=1),
            )
        self._sums = torch.zeros(2, channels, dtype=torch.float64)
        self._count = 0
        self.mean: Tensor
        self.scale: Tensor
        self.imagenet_mean: Tensor
        self.imagenet_sd: Tensor
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("scale", torch.ones(1, channels, 1, 1))
        self.register_buffer("imagenet_mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("imagenet_sd", torch.tensor(IMAGENET_SD).view(1, 3, 1, 1), persistent=False)

    def stages(self) -> Sequence[Stage]:
        statistics = Observation("statistics", self.observe, self.finalize)
        reconstruct = Descent("reconstruct", self.options.steps, self._optimizers, self._step)
        if self.options.weights:
            return [statistics, reconstruct]
        steps = self.options.feature_steps
        return [
            Descent("features", steps, self._feature_optimizers, self._feature_step),
            statistics,
            reconstruct,
        ]

    def observe(self, images: Tensor) -> None:
        # Not in the constructor: a trained run has its weights in its checkpoint and needs no file.
        if self.options.weights and self._count == 0:
            self.features.load(Path(self.options.weights))
        with torch.no_grad():
            seen = self._see(images).transpose(0, 1).flatten(1).double().cpu()  # (channels, B H W)
        self._sums += torch.stack([seen.sum(dim=1), (seen**2).sum(dim=1)])
        self._count += seen.shape[1]

    def finalize(self) -> None:
        mean, square = self._sums / self._count
        spread = (square - mean**2).clamp(min=0).sqrt()
        # Divided by nearly nothing, a channel that never fired would outweigh all others.
        scale = torch.where(spread > 1e-3 * spread.mean(), 1 / spread, torch.zeros_like(spread))
        self.mean = mean.view(1, -1, 1, 1).to(self.mean)
        self.scale = scale.view(1, -1, 1, 1).to(self.scale)
        self._sums.zero_()
        self._count = 0

    def forward(self, images: Tensor) -> Prediction:
        reconstruction = self.decoder(self.encoder(images))
        difference = self._compare(images, reconstruction)
        size = (self.shape.height, self.shape.width)
        anomaly_map = functional.interpolate(difference, size=size, mode="bilinear")
        return Prediction(mean_per_image(difference), anomaly_map, reconstruction)

    def _compare(self, images: Tensor, drawn: Tensor) -> Tensor:
        """The relative difference at every place of the features, `(B, 1, h, w)`."""
        true = (self._see(images) - self.mean) * self.scale
        difference = true - (self._see(drawn) - self.mean) * self.scale
        norm = mean_per_image(true.abs()).view(-1, 1, 1, 1)
        return difference.abs().mean(dim=1, keepdim=True) / (norm + 1e-6)

    def _see(self, images: Tensor) -> Tensor:
        if not self.options.weights:
            return self.features(images)
        return self.features((images.expand(-1, 3, -1, -1) - self.imagenet_mean) / self.imagenet_sd)

    def _feature_optimizers(self) -> Mapping[str, Optimizer]:
        parameters = [*self.features.parameters(), *self.denoiser.parameters()]
        return {"features": Adam(parameters, lr=self.options.learning_rate)}

    def _feature_step(self, batch: Batch, _number: int) -> Iterator[Update]:
        noisy = batch.images + self.options.noise_sd * torch.randn_like(batch.images)
        loss = ((self.denoiser(self.features(noisy)) - batch.images) ** 2).mean()
        yield Update("features", loss, {"loss": loss})

    def _optimizers(self) -> Mapping[str, Optimizer]:
        self.features.requires_grad_(False)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {"autoencoder": Adam(parameters, lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        drawn = self.decoder(self.encoder(batch.images))
        loss = self._compare(batch.images, drawn).mean()
        yield Update("autoencoder", loss, {"loss": loss})
