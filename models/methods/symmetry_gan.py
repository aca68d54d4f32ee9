"""Symmetry GAN: draws each side of an image with the other as its model; what one side has alone is not
drawn.

Source: Wu et al., Unsupervised Brain Tumor Segmentation Using a Symmetric-driven Adversarial Network, 2021,
https://doi.org/10.1016/j.neucom.2021.05.073, of which the idea: what left and right have to do with each
other is learned on healthy slices, adversarially, and a tumour breaks it. With x an image, x' the same with
made-up lesions, m() left and right exchanged, G a U-Net and D a critic,

    generator  residual_weight mean |x - G(x', m(x'))| - mean D(G(x', m(x')))
               + symmetry_weight mean |G(x', m(x')) - m(G(m(x'), x'))|
    critic     mean D(G) - mean D(x) + penalty mean (|∇D(x̃)| - 1)²        x̃ between x and G
    map        |x - G(x, m(x))|,   score  mean of the map.

Differs from the paper, whose text was not at hand: networks, losses and weights are ours. A U-Net that sees x
whole would copy it, so it is trained to take out made-up lesions (`models/blocks/lesions.py`). The mirror
lies in the middle of the image: crop to the head first. Option beyond the paper: `score = "top"` means the
highest percent of the map.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.anatomy import foreground
from models.blocks.lesions import LesionLaw, draw_lesions
from models.blocks.unet import UNet
from models.blocks.wasserstein import criticise, strided_critic
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update
from models.schedules import cosine


class SymmetryGan(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        width: int = 16
        depth: int = 4
        residual_weight: float = 100.0
        symmetry_weight: float = 10.0
        penalty: float = 10.0
        critic_width: int = 16
        learning_rate: float = 1e-3
        steps: int = 700
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 2**options.depth or shape.width % 2**options.depth:
            raise ValueError(
                f"symmetry_gan with depth {options.depth} needs sides that are multiples of "
                f"{2**options.depth}; they are {shape.height} x {shape.width}"
            )
        self.options = options
        self.generator = UNet(2 * shape.channels, shape.channels, width=options.width, depth=options.depth)
        self.critic = strided_critic(shape, options.critic_width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("symmetry", self.options.steps, self._optimizers, self._step, cosine)]

    def forward(self, images: Tensor) -> Prediction:
        drawn = self._draw(images)
        anomaly_map = (images - drawn).abs().mean(dim=1, keepdim=True)
        if self.options.score == "mean":
            score = mean_per_image(anomaly_map)
        else:
            score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, drawn)

    def _draw(self, images: Tensor) -> Tensor:
        return self.generator(torch.cat([images, images.flip(-1)], dim=1))

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.learning_rate
        return {
            "critic": Adam(self.critic.parameters(), lr=rate, betas=(0.0, 0.9), fused=True),
            "generator": Adam(self.generator.parameters(), lr=rate, betas=(0.5, 0.999), fused=True),
        }

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        images = batch.images
        with torch.no_grad():
            diseased, _masks = draw_lesions(images, foreground(images), LesionLaw())
        # Both ways round in one pass.
        drawn, mirrored = self._draw(torch.cat([diseased, diseased.flip(-1)])).chunk(2)
        yield criticise(self.critic, images, drawn.detach(), penalty=self.options.penalty)
        self.critic.requires_grad_(False)  # its gradients would be worked out for nothing
        terms = {
            "residual": self.options.residual_weight * (images - drawn).abs().mean(),
            "symmetry": self.options.symmetry_weight * (drawn - mirrored.flip(-1)).abs().mean(),
            "adversarial": -self.critic(drawn).mean(),
        }
        yield Update("generator", torch.stack(list(terms.values())).sum(), terms)
        self.critic.requires_grad_(True)
