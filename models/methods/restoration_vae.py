"""Restoration VAE: moves an image, by gradient steps, to where a prior of normal images finds it likely.

Source: You et al., 2019, https://proceedings.mlr.press/v102/you19a.html; Chen et al., 2020,
https://arxiv.org/abs/2005.00031. A VAE with a spatial latent learns normal images,

    loss = E(x) = |x - D(z)|² + kl_weight KL(q(z|x) | N(0, I)),   sums, z drawn from q(z|x).

From y = x, `steps` times, with z the mean of q(z|y) and m the foreground,

    g = -d/dy [E(y) + tv_weight TV(y - x)],   y <- y + step_size clip(g, -50, 50) ⊙ m,
    TV(d) = sum over neighbours of sqrt((d_i - d_j)² + tv_floor²),   map = |x - y|,   score = mean of the map.

Differs from the papers: 100 instead of 500 steps of restoration, `late_step_size` coming after `late_from` of
them as there; 16 to 64 instead of 64 channels, a latent of H/8 x W/8 and thousands of training steps, so that
two cores train and score it; no learned precision. TV has a floor and activations are SiLU, so that the
gradient has no jumps for rounding to choose at. TV's weight is for images in [0, 1], not for standardised
ones, where theirs is 2.2. The score is ours. Option beyond the
papers: `score = "top"` means the highest percent of the map.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.gradients import InputGradient
from models.loops import Loop
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update

# A pixel at or below this share of the range is background.
BACKGROUND = 0.01
CLIP = 50.0
LEVELS = 3


class RestorationVae(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`latent` counts channels; the rest is for images in [0, 1].

        The restoration settles while `8 step_size tv_weight` stays below `2 tv_floor`, and swings above.
        """

        width: int = 16
        latent: int = 1
        kl_weight: float = 1.0
        learning_rate: float = 1e-3
        steps: int = 2000
        restoration_steps: int = 100
        step_size: float = 5e-3
        late_step_size: float = 2e-3
        late_from: int = 100
        tv_weight: float = 0.4
        tv_floor: float = 0.01
        foreground_only: bool = True
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 2**LEVELS or shape.width % 2**LEVELS:
            raise ValueError(
                f"restoration_vae needs sides that are multiples of {2**LEVELS}; "
                f"they are {shape.height} x {shape.width}"
            )
        self.options = options
        widths = [options.width * 2**level for level in range(LEVELS)]
        self.encoder = nn.Sequential(
            *(_down(before, after) for before, after in zip([shape.channels, *widths], widths, strict=False)),
            nn.Conv2d(widths[-1], 2 * options.latent, 3, padding=1),
        )
        ends = [*widths[-2::-1], options.width]
        self.decoder = nn.Sequential(
            nn.Conv2d(options.latent, widths[-1], 3, padding=1),
            *(_up(before, after) for before, after in zip(widths[::-1], ends, strict=True)),
            nn.Conv2d(ends[-1], shape.channels, 3, padding=1),
        )
        self.gradient = InputGradient(self._improbability)
        self.restoration = Loop(self._restore)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def controls(self) -> Mapping[str, int]:
        return {"steps": self.options.restoration_steps}

    def forward(self, images: Tensor, steps: Tensor | None = None) -> Prediction:
        count = torch.tensor(self.options.restoration_steps, device=images.device) if steps is None else steps
        (restored,) = self.restoration(count, (images,), (images,))
        anomaly_map = (images - restored).abs().mean(dim=1, keepdim=True)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, restored)

    def _restore(self, number: Tensor, restored: Tensor, images: Tensor) -> tuple[Tensor]:
        move = -self.gradient(restored, images).clamp(-CLIP, CLIP)
        if self.options.foreground_only:
            move = move * (images.sum(dim=1, keepdim=True) > BACKGROUND).to(images.dtype)
        size = torch.where(
            number < self.options.late_from, self.options.step_size, self.options.late_step_size
        )
        return (restored + size * move,)

    def _improbability(self, restored: Tensor, images: Tensor) -> Tensor:
        """What the restoration makes small, `(B,)`."""
        mean, log_variance = self.encoder(restored).chunk(2, dim=1)
        energy = self._energy(restored, mean, mean, log_variance)
        return energy + self.options.tv_weight * total_variation(restored - images, self.options.tv_floor)

    def _energy(self, images: Tensor, latent: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        residual = ((images - self.decoder(latent)) ** 2).flatten(1).sum(dim=1)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).flatten(1).sum(dim=1)
        return residual + self.options.kl_weight * divergence

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        mean, log_variance = self.encoder(batch.images).chunk(2, dim=1)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        loss = self._energy(batch.images, latent, mean, log_variance).mean()
        yield Update("autoencoder", loss, {"energy": loss})


def total_variation(images: Tensor, floor: float) -> Tensor:
    """Differences of neighbouring pixels, smooth within `floor` of 0, summed over each image, `(B,)`."""
    down = images[:, :, 1:] - images[:, :, :-1]
    right = images[:, :, :, 1:] - images[:, :, :, :-1]
    return _sum_of_roots(down, floor) + _sum_of_roots(right, floor)


def _sum_of_roots(differences: Tensor, floor: float) -> Tensor:
    return (differences**2 + floor**2).sqrt().flatten(1).sum(dim=1)


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )
