"""CutPaste: a network that learned to find pasted pieces, and a Gaussian around what it sees in normals.

Source: Li et al., CutPaste: Self-Supervised Learning for Anomaly Detection and Localization, 2021,
https://arxiv.org/abs/2104.04015; with `paste = "anat"` AnatPaste, Sato et al., 2022,
https://arxiv.org/abs/2205.04282. A ResNet-18 tells normal images from images with a pasted patch, a pasted
scar, or both apart; then with f the mean over places p of its last features f_p, and m and P the mean and
the precision of f over the normals (Ledoit and Wolf's),

    score = (f - m)ᵀ P (f - m),   map = max(0, (f_p - m_p)ᵀ P (f - m)), upsampled.

With m_p the normals' mean at place p the mean over the places, before the cut at 0, is the score itself: the
map says which places it is made of. The paper's maps of whole images are Grad-CAM's, which cut at 0 too; its
second kind of map, from a network trained on patches, is not here.

Differs from the papers: from scratch, with 16 instead of 64 channels at the first layer and hundreds of
steps instead of 256 epochs, so that it trains on two cores; no further augmentation; a stem that halves small
images once; lungs are what is dark and closed, not its two largest pieces. `paste = "foreground"` is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.cut_paste import CutPasteTask, Place, Task
from models.blocks.density import Gaussian
from models.blocks.features import ResNet
from models.losses import mean_per_image
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage


class CutPaste(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        task: Task = "3way"
        paste: Place = "anywhere"
        width: int = 16
        learning_rate: float = 0.03
        steps: int = 500

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.shape = shape
        self.network = ResNet(shape, width=options.width)
        self.task = CutPasteTask(
            self.network, task=options.task, place=options.paste, rate=options.learning_rate
        )
        length = self.network.channels[-1]
        self.density = Gaussian(length)
        self.place_mean: Tensor
        self.register_buffer("place_mean", torch.zeros(1, length, *self.network.grids[-1]))
        self._seen: list[Tensor] = []

    def stages(self) -> Sequence[Stage]:
        return [
            self.task.stage(self.options.steps),
            Observation("density", self.observe, self.finalize),
        ]

    def observe(self, images: Tensor) -> None:
        features = self.network(images)[-1]
        if not self._seen:
            self.place_mean = torch.zeros_like(self.place_mean)
        self.place_mean = self.place_mean + features.sum(dim=0, keepdim=True)
        self._seen.append(features.mean(dim=(2, 3)))

    def finalize(self) -> None:
        seen = torch.cat(self._seen)  # (N, features)
        self._seen.clear()
        self.place_mean = self.place_mean / len(seen)
        self.density.fit(seen)

    def forward(self, images: Tensor) -> Prediction:
        apart = self.network(images)[-1] - self.place_mean
        mean = apart.mean(dim=(2, 3)) + self.place_mean.mean(dim=(2, 3))
        direction = self.density.whiten(mean)  # (B, features)
        shares = (apart * direction[:, :, None, None]).sum(dim=1, keepdim=True)  # (B, 1, h, w)
        size = (self.shape.height, self.shape.width)
        anomaly_map = functional.interpolate(shares.clamp(min=0), size=size, mode="bilinear")
        return Prediction(mean_per_image(shares), anomaly_map, None)
