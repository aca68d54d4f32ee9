"""Context-encoding VAE: also learns to fill holes, and marks where the latent's law objects to the image.

Source: Zimmerer et al., 2018, https://arxiv.org/abs/1812.05941, and 2019, https://arxiv.org/abs/1907.02796;
the authors' code, https://github.com/MIC-DKFZ/vae-anomaly-experiments. With q(z|x) = N(mu, exp(log_variance))
and z drawn from it in training, h(x) the image with one to three black squares, K = KL(q(z|x) | N(0, I)) / d,

    loss = (1 - context_weight) (mean (x - D(z))² + kl_weight K) + context_weight mean (x - D(mu(h(x))))²,
    map = |x - D(mu)| ⊙ blur |dK / dx|,   score = mean (x - D(mu))² + kl_weight K, the negative ELBO.

Differs from the papers: terms are means, with MedIAnomaly's weight of 0.005 for K, so that the weight does
not depend on the image size; 16 instead of 128 latent numbers, the bottleneck methods' encoder, a learning
rate of 1e-3 instead of 1e-4 and thousands of steps, so that it trains on two cores. The gradient is not
scaled to [0, 1] over the batch, which would let one image change another's map. `samples` above 0 draws as
many z at inference too and takes the mean over them; the control `seed` says which. The maps "residual" and
"gradient" are the two factors alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.blocks.filters import gaussian_blur
from models.gradients import InputGradient
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update
from models.noise import normal_noise

MOST_HOLES = 3


class ContextVae(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`largest_hole` is a share of the shorter side, `map_sigma` in pixels."""

        width: int = 16
        latent: int = 16
        kl_weight: float = 0.005
        context_weight: float = 0.5
        largest_hole: float = 0.5
        learning_rate: float = 1e-3
        steps: int = 1000
        samples: int = 0
        seed: int = 0
        map: Literal["combined", "residual", "gradient"] = "combined"
        map_sigma: float = 3.0

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, 2 * options.latent, width=options.width)
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)
        self.gradient = InputGradient(self._divergence_of)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def controls(self) -> Mapping[str, int]:
        return {"seed": self.options.seed} if self.options.samples else {}

    def forward(self, images: Tensor, seed: Tensor | None = None) -> Prediction:
        mean, log_variance = self._posterior(images)
        noise = self._noise(torch.tensor(self.options.seed, device=images.device) if seed is None else seed)
        latents = mean[:, None] + (0.5 * log_variance).exp()[:, None] * noise  # (B, samples, latent)
        drawn = self.decoder(latents.flatten(0, 1)).unflatten(0, (-1, len(noise)))  # (B, samples, C, H, W)
        residual = images[:, None] - drawn
        score = mean_per_image(residual**2) + self.options.kl_weight * _divergence(mean, log_variance)
        return Prediction(score, self._map(images, residual), drawn.mean(dim=1))

    def _map(self, images: Tensor, residual: Tensor) -> Tensor:
        error = residual.abs().mean(dim=(1, 2))[:, None]  # (B, 1, H, W)
        if self.options.map == "residual":
            return error
        objection = self.gradient(images).abs().mean(dim=1, keepdim=True)
        blurred = gaussian_blur(objection, self.options.map_sigma)
        return error * blurred if self.options.map == "combined" else blurred

    def _noise(self, seed: Tensor) -> Tensor:
        """The same for every image, `(samples, latent)`; one row of zeros where none is drawn."""
        if self.options.samples:
            return normal_noise(seed, (self.options.samples, self.options.latent))
        return torch.zeros(1, self.options.latent, device=seed.device)

    def _posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance

    def _divergence_of(self, images: Tensor) -> Tensor:
        return _divergence(*self._posterior(images))

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        images = batch.images
        # Together: batch normalisation learns one law for both.
        holed = with_holes(images, largest=self.options.largest_hole)
        means, log_variances = self._posterior(torch.cat([images, holed]))
        (mean, context), (log_variance, _) = means.chunk(2), log_variances.chunk(2)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        drawn, filled = self.decoder(torch.cat([latent, context])).chunk(2)
        residual, gap = ((images - drawn) ** 2).mean(), ((images - filled) ** 2).mean()
        divergence = _divergence(mean, log_variance).mean()
        weight = self.options.context_weight
        loss = (1 - weight) * (residual + self.options.kl_weight * divergence) + weight * gap
        yield Update("autoencoder", loss, {"residual": residual, "divergence": divergence, "context": gap})


def with_holes(images: Tensor, *, largest: float) -> Tensor:
    """Images with one to three black squares, their sides up to `largest` of the shorter side."""
    (batch, _channels, height, width), device = images.shape, images.device

    def uniform() -> Tensor:
        return torch.rand(batch, MOST_HOLES, 1, device=device)

    side = uniform() * largest * min(height, width)
    top, left = uniform() * (height - side), uniform() * (width - side)
    rows = torch.arange(height, device=device) + 0.5 - top  # (B, holes, H)
    columns = torch.arange(width, device=device) + 0.5 - left  # (B, holes, W)
    inside = ((rows >= 0) & (rows < side))[:, :, :, None] & ((columns >= 0) & (columns < side))[:, :, None]
    wanted = torch.randint(1, MOST_HOLES + 1, (batch, 1), device=device)
    is_wanted = torch.arange(MOST_HOLES, device=device) < wanted  # (B, holes)
    holes = (inside & is_wanted[:, :, None, None]).any(dim=1, keepdim=True)
    return images.masked_fill(holes, 0.0)


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) | N(0, I)) over the latent's length, `(B,)`."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean(dim=1)
