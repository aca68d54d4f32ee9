"""Contrast translation: predicts each contrast from the others; disease breaks the rule that normals follow.

Source: Liang et al., Modality Cycles with Masked Conditional Diffusion, 2023,
https://arxiv.org/abs/2308.16150, whose first idea it is: a translation between co-registered contrasts,
learned on normal tissue, fails elsewhere. For each target contrast x_t a U-Net T_t sees the others x_o,

    loss = sum over t of mean |x_t - T_t(x_o)|,
    map  = mean over t of |x_t - T_t(x_o)|,   score = mean of the map.

Differs from the paper: no way back from the translated contrast to the first one, and no diffusion, which
fills masked parts there. An image of one contrast has nothing to translate: ours, so that the method can be
compared on such sets too, is to translate its coarse part, a Gaussian blur of `blur` pixels, into its detail,
the rest. Options beyond the paper: `target` for one contrast only, counted from 0; `residual = "normalised"`
divides by each pixel's spread on the training normals plus the mean spread of all pixels; `score = "top"`
means the highest percent of the map.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.blocks.filters import gaussian_blur
from models.blocks.unet import UNet
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update
from models.schedules import cosine


class ContrastTranslation(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`blur` is the Gaussian's standard deviation in pixels."""

        width: int = 8
        depth: int = 4
        target: int | None = None
        blur: float = 2.0
        learning_rate: float = 1e-3
        steps: int = 1000
        residual: Literal["absolute", "normalised"] = "absolute"
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 2**options.depth or shape.width % 2**options.depth:
            raise ValueError(
                f"contrast_translation with depth {options.depth} needs sides that are multiples of "
                f"{2**options.depth}; they are {shape.height} x {shape.width}"
            )
        if options.target is not None and not 0 <= options.target < shape.channels:
            raise ValueError(
                f"target is {options.target}, but contrasts are counted from 0 to {shape.channels - 1}"
            )
        self.options = options
        self.targets = range(shape.channels) if options.target is None else [options.target]
        others = max(1, shape.channels - 1)
        self.networks = nn.ModuleList(
            UNet(others, 1, width=options.width, depth=options.depth) for _target in self.targets
        )
        size = (1, len(self.targets), shape.height, shape.width)
        self.spread: Tensor
        self.register_buffer("spread", torch.ones(size))
        self.register_buffer("_squares", torch.zeros(size), persistent=False)
        self._squares: Tensor
        self._count = 0

    def stages(self) -> Sequence[Stage]:
        translate = Descent("translate", self.options.steps, self._optimizers, self._step, cosine)
        if self.options.residual == "absolute":
            return [translate]
        return [translate, Observation("spread", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        wanted, translated = self._translate(images)
        self._squares = self._squares + ((wanted - translated) ** 2).sum(dim=0, keepdim=True)
        self._count += len(images)

    def finalize(self) -> None:
        spread = (self._squares / self._count).sqrt()
        # Where normals never differ the smallest noise would count without end.
        self.spread = spread + spread.mean(dim=(2, 3), keepdim=True)

    def forward(self, images: Tensor) -> Prediction:
        wanted, translated = self._translate(images)
        residual = (wanted - translated).abs() / self.spread
        anomaly_map = residual.mean(dim=1, keepdim=True)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, self._whole(images, translated))

    def _translate(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What is to be predicted and what is, both `(B, targets, H, W)`."""
        if images.shape[1] == 1:
            coarse = gaussian_blur(images, self.options.blur)
            return images - coarse, self.networks[0](coarse)
        wanted = [images[:, target : target + 1] for target in self.targets]
        translated = [
            network(torch.cat([images[:, :target], images[:, target + 1 :]], dim=1))
            for target, network in zip(self.targets, self.networks, strict=True)
        ]
        return torch.cat(wanted, dim=1), torch.cat(translated, dim=1)

    def _whole(self, images: Tensor, translated: Tensor) -> Tensor:
        """The images with what was predicted in its place, `(B, C, H, W)`."""
        if images.shape[1] == 1:
            return gaussian_blur(images, self.options.blur) + translated
        first, last = self.targets[0], self.targets[-1]
        return torch.cat([images[:, :first], translated, images[:, last + 1 :]], dim=1)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"networks": Adam(self.networks.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        wanted, translated = self._translate(batch.images)
        residuals = (wanted - translated).abs().mean(dim=(0, 2, 3))  # (targets,)
        yield Update("networks", residuals.sum(), {"residual": residuals.mean()})
