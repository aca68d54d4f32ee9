"""ASC-Net: cuts an image into a part that could be normal and the rest; the rest is the anomaly.

Source: Dey and Hong, ASC-Net: Adversarial-based Selective Network for Unsupervised Anomaly Segmentation,
2021, https://arxiv.org/abs/2103.03664. The cutter, a U-Net, gives every pixel a share w in (0, 1) of the
wall; with q an image of the query set, r one of the reference set of normals, a critic D and a reconstructor
R,

    wall = w ⊙ q,  rest = (1 - w) ⊙ q
    cutter and reconstructor  -mean D(wall) + residual_weight mean |q - R(wall, rest)|, after `critic_turns`
                              turns of D
    critic                    mean D(wall) - mean D(r) + penalty mean (|∇D(x̃)| - 1)²    x̃ between wall and r
    map                       rest,   score  mean of the map's top.

Differs from the paper: its query set are the very images to be judged, unlabelled; a service has not seen
those, so ours are normals with made-up lesions (`models/blocks/lesions.py`). The authors' cutter has two
decoders and a Dice term that keeps their images apart; ours has one share and its complement. A Wasserstein
critic in place of their discriminator; the reconstructor has two convolutions; weights are ours. The paper's
map is thresholded by hand from its histogram; the score of an image, the mean of the highest percent, is
ours. As a share of an image the rest can hold what is too bright, and nothing of what is too dark."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.blocks.anatomy import foreground
from models.blocks.lesions import LesionLaw, draw_lesions
from models.blocks.unet import UNet
from models.blocks.wasserstein import criticise, strided_critic
from models.losses import top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update
from models.schedules import cosine


class AscNet(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`steps` counts the critic's; `bright` is the chance that a made-up lesion is brighter."""

        width: int = 16
        depth: int = 4
        critic_width: int = 16
        residual_weight: float = 1.0
        penalty: float = 10.0
        critic_turns: int = 5
        bright: float = 0.5
        learning_rate: float = 3e-4
        steps: int = 1500
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % 2**options.depth or shape.width % 2**options.depth:
            raise ValueError(
                f"asc_net with depth {options.depth} needs sides that are multiples of {2**options.depth}; "
                f"they are {shape.height} x {shape.width}"
            )
        self.options = options
        self.cutter = UNet(shape.channels, 1, width=options.width, depth=options.depth)
        self.reconstructor = nn.Sequential(
            nn.Conv2d(2 * shape.channels, options.width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(options.width, shape.channels, 3, padding=1),
        )
        self.critic = strided_critic(shape, options.critic_width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("cut", self.options.steps, self._optimizers, self._step, cosine)]

    def forward(self, images: Tensor) -> Prediction:
        wall, rest = self._cut(images)
        anomaly_map = rest.mean(dim=1, keepdim=True)
        score = top_mean_per_image(anomaly_map, self.options.top_fraction)
        return Prediction(score, anomaly_map, wall)

    def _cut(self, images: Tensor) -> tuple[Tensor, Tensor]:
        share = torch.sigmoid(self.cutter(images))
        return share * images, (1 - share) * images

    def _optimizers(self) -> Mapping[str, Optimizer]:
        rate = self.options.learning_rate
        both = [*self.cutter.parameters(), *self.reconstructor.parameters()]
        return {
            "critic": Adam(self.critic.parameters(), lr=rate, betas=(0.0, 0.9), fused=True),
            "cutter": Adam(both, lr=rate, betas=(0.5, 0.999), fused=True),
        }

    def _step(self, batch: Batch, number: int) -> Iterator[Update]:
        reference = batch.images
        with torch.no_grad():
            law = LesionLaw(bright=self.options.bright, share=1.0)
            query, _masks = draw_lesions(reference, foreground(reference), law)
            wall, _rest = self._cut(query)
        yield criticise(self.critic, reference, wall, penalty=self.options.penalty)
        if (number + 1) % self.options.critic_turns == 0:
            self.critic.requires_grad_(False)  # its gradients would be worked out for nothing
            yield self._join(query)
            self.critic.requires_grad_(True)

    def _join(self, query: Tensor) -> Update:
        wall, rest = self._cut(query)
        joined = self.reconstructor(torch.cat([wall, rest], dim=1))
        residual = self.options.residual_weight * (query - joined).abs().mean()
        adversarial = -self.critic(wall).mean()
        return Update("cutter", residual + adversarial, {"residual": residual, "adversarial": adversarial})
