"""AnoDDPM: adds a part of diffusion's noise to an image and takes it off again, and lesions with it.

Source: Wyatt et al., AnoDDPM, 2022, https://doi.org/10.1109/CVPRW56347.2022.00080, and the authors' code,
https://github.com/Julian-Wyatt/AnoDDPM; diffusion: Ho et al., 2020, https://arxiv.org/abs/2006.11239. With n
simplex noise of standard deviation `noise_sd`, x an image in [-1, 1], and T = 1000 times,

    beta_t from 1e-4 to 0.02,   a_t = product of (1 - beta_s) up to t,   x_t = sqrt(a_t) x + sqrt(1 - a_t) n,
    loss = mean (e(x_t, t) - n)², both in units of noise_sd,   x̂_t = (x_t - sqrt(1 - a_t) e) / sqrt(a_t).

From x_t at t = `depth`, turn by turn to an earlier time s, and in the last to s = 0, with b = 1 - a_t / a_s,

    x_s = [sqrt(a_s) b x̂_t + sqrt(a_t / a_s) (1 - a_s) x_t] / (1 - a_t) + sqrt(b) n, in the last turn no n,
    map = (x - x_0)²,   score = mean of the map.

Differs from the paper: there s = t - 1 and b = beta_t, time by time, as with `denoising_steps = 250`. By
default 25 turns are spaced evenly, each the posterior of the same diffusion looked at only at these times
(Nichol and Dhariwal, 2021, https://arxiv.org/abs/2102.09672, section 4); a single turn is the one estimate of
pDDPM (Behrendt et al., 2023, https://arxiv.org/abs/2303.03758). x̂ is held to [-1, 1], as Ho et al. do.
Training draws t up to `depth`, the only times that are used, not up to 800. A smaller network, no clipping of
gradients, a higher rate with a cosine schedule and a faster average of the weights, so that two cores train
it. The paper's noise is not brought to a standard deviation; it has the 0.5 of `noise_sd`. The wavelength is
the paper's in pixels, of 256 a side. All images get the same noise. The score is ours. Options beyond the
paper: `noise = "coarse"` (Kascenas et al., 2023, https://arxiv.org/abs/2301.08330) and `score = "top"`, which
means the highest percent of the map.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.blocks.time_unet import TimeUNet
from models.loops import Loop
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update
from models.noise import coarse_noise, derived_seed, normal_noise
from models.schedules import cosine
from models.simplex import SimplexNoise

TIMES = 1000
FIRST_BETA, LAST_BETA = 1e-4, 0.02
# Channels of the levels in units of `width`.
MULTIPLES = (1, 2, 3, 4)
LARGEST_SEED = 2**31


class AnoDdpm(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`depth` is a time of 1000, `noise_sd` in units of the image in [-1, 1], `wavelength` in pixels.

        Simplex noise has `octaves`, each of half the wavelength and `persistence` times the height of the one
        before; coarse noise has `noise_grid` nodes a side. `average` is the share of the averaged weights
        that each step keeps; with 0 they are the last weights.
        """

        width: int = 16
        noise: Literal["simplex", "coarse", "gaussian"] = "simplex"
        noise_sd: float = 0.5
        wavelength: float = 64.0
        octaves: int = 6
        persistence: float = 0.8
        noise_grid: int = 16
        depth: int = 250
        learning_rate: float = 1e-3
        average: float = 0.99
        steps: int = 1500
        denoising_steps: int = 25
        seed: int = 0
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        factor = 2 ** (len(MULTIPLES) - 1)
        if shape.height % factor or shape.width % factor:
            raise ValueError(
                f"anoddpm needs sides that are multiples of {factor}; they are {shape.height} x {shape.width}"
            )
        if not 1 <= options.depth <= TIMES:
            raise ValueError(f"depth is a time from 1 to {TIMES}; it is {options.depth}")
        self.options = options
        self.shape = shape
        widths = [options.width * multiple for multiple in MULTIPLES]
        self.network = TimeUNet(shape.channels, shape.channels, widths=widths)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(options.average))
        self.average.requires_grad_(False)
        betas = torch.linspace(FIRST_BETA, LAST_BETA, TIMES, dtype=torch.float64)
        kept = torch.cat([torch.ones(1, dtype=torch.float64), (1 - betas).cumprod(dim=0)])
        self.kept: Tensor
        self.register_buffer("kept", kept.float())  # a_t, (TIMES + 1,)
        self.simplex = SimplexNoise(
            shape.height,
            shape.width,
            wavelength=options.wavelength,
            octaves=options.octaves,
            persistence=options.persistence,
        )
        self.denoising = Loop(self._denoise)

    def stages(self) -> Sequence[Stage]:
        return [Descent("denoise", self.options.steps, self._optimizers, self._step, cosine)]

    def controls(self) -> Mapping[str, int]:
        return {"steps": self.options.denoising_steps, "seed": self.options.seed}

    def forward(self, images: Tensor, steps: Tensor | None = None, seed: Tensor | None = None) -> Prediction:
        device, depth = images.device, self.options.depth
        steps = torch.tensor(self.options.denoising_steps, device=device) if steps is None else steps
        seed = torch.tensor(self.options.seed, device=device) if seed is None else seed
        # No turns would leave the noise in; more than there are times would stand still.
        count = steps.clamp(1, depth)
        real = images * 2 - 1
        noisy = self._noised(real, self.kept[depth], self._noise(derived_seed(seed, 0)))
        (clean,) = self.denoising(count, (noisy,), (count, seed))
        anomaly_map = ((real - clean) ** 2).mean(dim=1, keepdim=True)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, (clean + 1) / 2)

    def _denoise(self, number: Tensor, noisy: Tensor, count: Tensor, seed: Tensor) -> tuple[Tensor]:
        time, earlier = self._time(number, count), self._time(number + 1, count)
        kept, kept_earlier = self.kept[time], self.kept[earlier]
        noise = self.options.noise_sd * self.average(noisy, time)
        clean = ((noisy - (1 - kept).sqrt() * noise) / kept.sqrt()).clamp(-1, 1)
        beta = 1 - kept / kept_earlier
        mean = kept_earlier.sqrt() * beta * clean + (kept / kept_earlier).sqrt() * (1 - kept_earlier) * noisy
        fresh = self.options.noise_sd * self._noise(derived_seed(seed, number + 1))
        spread = beta.sqrt() * (earlier > 0)
        return (mean / (1 - kept) + spread * fresh,)

    def _time(self, number: Tensor, count: Tensor) -> Tensor:
        """The time at which turn `number` of `count` starts, `(1,)`; from `depth` evenly to 0."""
        # Divided as floats, which is exact enough for whole numbers up to a million.
        return torch.floor(self.options.depth * (count - number) / count).long()[None]

    def _noised(self, real: Tensor, kept: Tensor, noise: Tensor) -> Tensor:
        return kept.sqrt() * real + (1 - kept).sqrt() * self.options.noise_sd * noise

    def _noise(self, seed: Tensor) -> Tensor:
        """Noise of variance 1 for each seed of any shape, `(*seed.shape, C, H, W)`."""
        size = (self.shape.channels, self.shape.height, self.shape.width)
        if self.options.noise == "gaussian":
            return normal_noise(seed, size)
        if self.options.noise == "coarse":
            return coarse_noise(seed, size, grid=self.options.noise_grid)
        # A seed for each channel.
        return self.simplex(derived_seed(seed[..., None], torch.arange(size[0], device=seed.device)))

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.learning_rate
        return {"network": AdamW(self.network.parameters(), lr=rate, weight_decay=0.0)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        count, device = len(batch.images), batch.images.device
        times = torch.randint(1, self.options.depth + 1, (count,), device=device)
        noise = self._noise(torch.randint(LARGEST_SEED, (count,), device=device))
        noisy = self._noised(batch.images * 2 - 1, self.kept[times][:, None, None, None], noise)
        loss = ((self.network(noisy, times) - noise) ** 2).mean()
        yield Update("network", loss, {"loss": loss})
        self.average.update_parameters(self.network)
