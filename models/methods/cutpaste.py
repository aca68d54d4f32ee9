"""CutPaste: a network that learned to find pasted pieces, and a Gaussian around what it sees in normals.

Source: Li et al., CutPaste: Self-Supervised Learning for Anomaly Detection and Localization, 2021,
https://arxiv.org/abs/2104.04015; with `paste = "anat"` AnatPaste, Sato et al., 2022,
https://arxiv.org/abs/2205.04282. A ResNet-18 tells normal images from images with a pasted patch, a pasted
scar, or both apart; then with f the mean over places of its last features, and m and P the mean and
the precision of f over the normals (Ledoit and Wolf's),

    score = (f - m)ᵀ P (f - m),   map = |x ⊙ gradient of the score at x|, blurred.

The papers' scores of whole images have no map but Grad-CAM's, on a grid too coarse for small images; the
first-order share of every pixel against a black image is ours (gradient times input: Shrikumar et al., 2017,
https://arxiv.org/abs/1704.02685), the network's corners rounded. What is missing, and therefore black, is not
in it. The maps from a network trained on patches are not here.

Differs from the papers: from scratch, with 16 instead of 64 channels at the first layer and hundreds of
steps instead of 256 epochs, so that it trains on two cores; no further augmentation; a stem that halves small
images once; lungs are what is dark and closed, not its two largest pieces. `paste = "foreground"` is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.blocks.cut_paste import CutPasteTask, Place, Task
from models.blocks.density import Gaussian
from models.blocks.features import ResNet
from models.blocks.filters import gaussian_blur
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage

# Of the shorter side; PaDiM's and PatchCore's 4 of 224 pixels.
BLUR = 4 / 224


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
        self.density = Gaussian(self.network.channels[-1])
        self._seen: list[Tensor] = []

    def stages(self) -> Sequence[Stage]:
        return [
            self.task.stage(self.options.steps),
            Observation("density", self.observe, self.finalize),
        ]

    def observe(self, images: Tensor) -> None:
        self._seen.append(self.network(images)[-1].mean(dim=(2, 3)))

    def finalize(self) -> None:
        seen = torch.cat(self._seen)  # (N, features)
        self._seen.clear()
        self.density.fit(seen)

    def forward(self, images: Tensor) -> Prediction:
        features = self.network(images)[-1]
        mean = features.mean(dim=(2, 3))
        direction = self.density.whiten(mean)  # (B, features), half the score's gradient
        score = ((mean - self.density.mean) * direction).sum(dim=1)
        height, width = self.network.grids[-1]
        upstream = (2 / (height * width) * direction)[:, :, None, None].expand_as(features)
        gradient = self.network.gradient(images, upstream)
        share = (images * gradient).sum(dim=1, keepdim=True).abs()
        blur = BLUR * min(self.shape.height, self.shape.width)
        return Prediction(score, gaussian_blur(share, blur), None)
