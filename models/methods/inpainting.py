"""Inpainting: hides each region and draws it from its surroundings; what cannot be drawn so is anomalous.

Source: Nguyen et al., Unsupervised Region-based Anomaly Detection in Brain MRI with Adversarial Image
Inpainting, 2020, https://arxiv.org/abs/2010.01942. With G a U-Net that sees an image x without the region R
and the region's mask, D a critic and x̂ the image with R as G draws it,

    generator  residual_weight mean_R |x - G| - adversarial_weight mean D(x̂)
    critic     mean D(x̂) - mean D(x) + penalty mean (|∇D(x̃)| - 1)²        x̃ between x and x̂
    residual   |x - G| in R alone, averaged over all the regions of a sliding square that hold the pixel
    map        each pixel's mean of the residual over its superpixel,   score  mean of the map's top.

All squares are one batch: for each image, G sees as many as there are places of the square.

Differs from the paper: a Wasserstein critic; steps and `width` for two cores; superpixels with soft borders,
so that they export (`models/blocks/superpixels.py`). The paper says no score of a whole image; the mean of
the highest percent is ours. `superpixels = false` leaves the residual as it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from models.blocks.superpixels import superpixel_means
from models.blocks.unet import UNet
from models.blocks.wasserstein import criticise, strided_critic
from models.losses import top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update
from models.schedules import cosine

# Superpixels a side of the shorter side, to start from.
CELLS = 16


class Inpainting(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`hole` and `stride` are shares of the shorter side."""

        width: int = 8
        depth: int = 4
        hole: float = 0.25
        stride: float = 0.125
        residual_weight: float = 0.999
        adversarial_weight: float = 0.001
        penalty: float = 10.0
        critic_width: int = 16
        learning_rate: float = 1e-3
        steps: int = 1000
        superpixels: bool = True
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 2**options.depth or shape.width % 2**options.depth:
            raise ValueError(
                f"inpainting with depth {options.depth} needs sides that are multiples of "
                f"{2**options.depth}; they are {shape.height} x {shape.width}"
            )
        self.options = options
        self.shape = shape
        side = min(shape.height, shape.width)
        self.hole, self.stride = (max(1, round(share * side)) for share in (options.hole, options.stride))
        self.cell = max(1, side // CELLS)
        self.network = UNet(shape.channels + 1, shape.channels, width=options.width, depth=options.depth)
        self.critic = strided_critic(shape, options.critic_width)
        self.register_buffer("regions", self._regions(), persistent=False)
        self.regions: Tensor

    def stages(self) -> Sequence[Stage]:
        return [Descent("inpaint", self.options.steps, self._optimizers, self._step, cosine)]

    def forward(self, images: Tensor) -> Prediction:
        batch, channels, height, width = images.shape
        count = self.regions.shape[0]
        regions = self.regions[None].expand(batch, count, 1, height, width)
        hidden = images[:, None] * (1 - regions)  # (B, regions, C, H, W)
        seen = torch.cat([hidden, regions], dim=2).reshape(batch * count, channels + 1, height, width)
        drawn = self.network(seen).reshape(batch, count, channels, height, width)
        times = self.regions.sum(dim=0)  # (1, H, W)
        residual = ((images[:, None] - drawn).abs() * regions).sum(dim=1) / times
        anomaly_map = residual.mean(dim=1, keepdim=True)
        if self.options.superpixels:
            anomaly_map = superpixel_means(anomaly_map, images, cell=self.cell)
        score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, (drawn * regions).sum(dim=1) / times)

    def _regions(self) -> Tensor:
        """Masks of the square at every place, `(regions, 1, H, W)`; each pixel lies in one or more."""
        starts = [_starts(side, self.hole, self.stride) for side in (self.shape.height, self.shape.width)]
        masks = [self._square(top, left) for top in starts[0] for left in starts[1]]
        return torch.stack(masks)

    def _square(self, top: int, left: int) -> Tensor:
        mask = torch.zeros(1, self.shape.height, self.shape.width)
        mask[:, top : top + self.hole, left : left + self.hole] = 1
        return mask

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.learning_rate
        return {
            "critic": Adam(self.critic.parameters(), lr=rate, betas=(0.0, 0.9), fused=True),
            "generator": Adam(self.network.parameters(), lr=rate, betas=(0.5, 0.999), fused=True),
        }

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        images = batch.images
        chosen = torch.randint(len(self.regions), (len(images),), device=images.device)
        regions = self.regions[chosen]
        drawn = self.network(torch.cat([images * (1 - regions), regions], dim=1))
        whole = images * (1 - regions) + drawn * regions
        yield criticise(self.critic, images, whole.detach(), penalty=self.options.penalty)
        self.critic.requires_grad_(False)  # its gradients would be worked out for nothing
        residual = ((images - drawn).abs() * regions).sum() / (regions.sum() * images.shape[1])
        adversarial = -self.critic(whole).mean()
        loss = self.options.residual_weight * residual + self.options.adversarial_weight * adversarial
        yield Update("generator", loss, {"residual": residual, "adversarial": adversarial})
        self.critic.requires_grad_(True)


def _starts(side: int, hole: int, stride: int) -> list[int]:
    """First pixels of a square that slides along a side and ends at its end."""
    last = side - hole
    return sorted({*range(0, last, stride), last})
