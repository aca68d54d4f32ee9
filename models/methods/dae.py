"""Denoising autoencoder: a U-Net that removes coarse noise also removes what it never saw.

Source: Kascenas et al., Denoising Autoencoders for Unsupervised Anomaly Detection in Brain MRI, 2022,
https://proceedings.mlr.press/v172/kascenas22a.html. Training adds noise n to image x, test time adds none:

    n = roll(upsample(N(0, noise_sd²) on a noise_grid² grid)) ⊙ foreground,   loss = mean (x̂(x + n) - x)²,
    map = median_5x5 |x - x̂(x)|,   score = mean of the map.

Differs from the paper: 16 instead of 64 channels at the first level and a schedule of thousands instead of
67,200 steps, so that it trains on two cores; options `width` and `steps` give the paper's. One cosine decay
over the whole schedule instead of one that comes back every 100 epochs. Options beyond the paper: `score =
"top"` means the highest percent of the map, and `residual = "normalised"` divides by each pixel's spread on
the training normals plus the mean spread of all pixels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, Optimizer

from models.blocks.filters import median_filter
from models.blocks.unet import UNet
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update
from models.schedules import cosine

# A pixel at or below this share of the range is background.
BACKGROUND = 0.01


class DenoisingAutoencoder(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`noise_sd` is in units of the image, [0, 1]; `noise_grid` in cells a side."""

        width: int = 16
        depth: int = 4
        noise_sd: float = 0.2
        noise_grid: int = 16
        foreground_only: bool = True
        learning_rate: float = 1e-4
        weight_decay: float = 1e-5
        steps: int = 3000
        residual: Literal["absolute", "normalised"] = "absolute"
        median_size: int = 5
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 2**options.depth or shape.width % 2**options.depth:
            raise ValueError(
                f"dae with depth {options.depth} needs sides that are multiples of {2**options.depth}; "
                f"they are {shape.height} x {shape.width}"
            )
        self.options = options
        self.shape = shape
        self.network = UNet(shape.channels, shape.channels, width=options.width, depth=options.depth)
        self.spread: Tensor
        self.register_buffer("spread", torch.ones(1, 1, shape.height, shape.width))
        self.register_buffer("_squares", torch.zeros(1, 1, shape.height, shape.width), persistent=False)
        self._count = 0
        self._squares: Tensor

    def stages(self) -> Sequence[Stage]:
        denoise = Descent("denoise", self.options.steps, self._optimizers, self._step, cosine)
        if self.options.residual == "absolute":
            return [denoise]
        return [denoise, Observation("spread", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        self._squares = self._squares + (self._residual(images) ** 2).sum(dim=0, keepdim=True)
        self._count += len(images)

    def finalize(self) -> None:
        spread = (self._squares / self._count).sqrt()
        # Where normals never differ the smallest noise would count without end.
        self.spread = spread + spread.mean()

    def forward(self, images: Tensor) -> Prediction:
        reconstruction = self.network(images)
        residual = (images - reconstruction).abs().mean(dim=1, keepdim=True) / self.spread
        if self.options.foreground_only:
            residual = residual * _foreground(images)
        anomaly_map = median_filter(residual, self.options.median_size)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, reconstruction)

    def _residual(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return (images - self.network(images)).abs().mean(dim=1, keepdim=True)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {
            "network": Adam(
                self.network.parameters(),
                lr=self.options.learning_rate,
                weight_decay=self.options.weight_decay,
                amsgrad=True,
            )
        }

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        images = batch.images
        foreground = _foreground(images) if self.options.foreground_only else torch.ones_like(images[:, :1])
        noisy = images + self._noise(images) * foreground
        loss = (((self.network(noisy) - images) ** 2) * foreground).mean()
        yield Update("network", loss, {"loss": loss})

    def _noise(self, images: Tensor) -> Tensor:
        grid = self.options.noise_grid
        coarse = torch.randn(len(images), images.shape[1], grid, grid, device=images.device)
        size = (self.shape.height, self.shape.width)
        noise = functional.interpolate(coarse * self.options.noise_sd, size=size, mode="bilinear")
        # Rolling hides where the grid's nodes lie.
        down, right = (int(torch.randint(side, ()).item()) for side in size)
        return torch.roll(noise, (down, right), dims=(2, 3))


def _foreground(images: Tensor) -> Tensor:
    """Where any channel is above the background, `(B, 1, H, W)` of 0 and 1."""
    return (images.sum(dim=1, keepdim=True) > BACKGROUND).to(images.dtype)
