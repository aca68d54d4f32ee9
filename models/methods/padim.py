"""PaDiM: one Gaussian for every place of the image, over features of a network trained on the same normals.

Source: Defard et al., PaDiM: a Patch Distribution Modeling Framework, 2020,
https://arxiv.org/abs/2011.08785, equations 1 and 2. With f the features of three layers at place p, of which
a random choice of `dims` is kept, and m and Sigma their mean and covariance over the normals,

    d_p = sqrt((f_p - m_p)ᵀ (Sigma_p + 0.01 I)⁻¹ (f_p - m_p)),
    map = d upsampled and blurred,   score = its maximum.

Differs from the paper: no network of ImageNet's but a small ResNet-18, trained first on the same normals by
CutPaste (https://arxiv.org/abs/2104.04015), so figures are those of domain-trained features; the choice is
drawn with a fixed seed; the layers meet on a quarter of the image's sides, the paper's grid, whichever layer
has it; the blur's sigma of 4 pixels of 224 goes with the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.cut_paste import CutPasteTask, Place, Task
from models.blocks.features import LocalFeatures, ResNet
from models.blocks.filters import gaussian_blur
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage

# The paper's, of 224 pixels.
BLUR = 4 / 224


class Padim(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`dims` above the number of channels keeps them all; `epsilon` is the paper's."""

        layers: tuple[int, ...] = (1, 2, 3)
        dims: int = 100
        epsilon: float = 0.01
        seed: int = 0
        width: int = 16
        task: Task = "3way"
        paste: Place = "anywhere"
        learning_rate: float = 0.03
        feature_steps: int = 500

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.shape = shape
        network = ResNet(shape, width=options.width)
        self.task = CutPasteTask(network, task=options.task, place=options.paste, rate=options.learning_rate)
        grid = (shape.height // 4, shape.width // 4)
        self.features = LocalFeatures(network, options.layers, grid, is_local=False)
        rng = torch.Generator().manual_seed(options.seed)
        kept = torch.randperm(self.features.channels, generator=rng)[: options.dims].sort().values
        places = grid[0] * grid[1]
        self.kept: Tensor
        self.mean: Tensor
        self.whitening: Tensor
        self.register_buffer("kept", kept)
        self.register_buffer("mean", torch.zeros(places, 1, len(kept)))
        # A lower triangle W with W Wᵀ the inverse covariance.
        self.register_buffer("whitening", torch.eye(len(kept)).repeat(places, 1, 1))
        self._count = 0

    def stages(self) -> Sequence[Stage]:
        return [
            self.task.stage(self.options.feature_steps),
            Observation("gaussians", self.observe, self.finalize),
        ]

    def observe(self, images: Tensor) -> None:
        features = self._see(images).double()  # (places, B, dims)
        if self._count == 0:
            # Sums are taken around the first images' mean, where squares lose no digits.
            self._origin = features.mean(dim=1, keepdim=True)
            self._sum = torch.zeros_like(self._origin)
            self._products = torch.zeros_like(self.whitening, dtype=torch.float64)
        apart = features - self._origin
        self._sum += apart.sum(dim=1, keepdim=True)
        self._products += apart.transpose(1, 2) @ apart
        self._count += len(images)

    def finalize(self) -> None:
        """Turn what was seen into Gaussians.

        Raises:
            ValueError: Fewer than two images were seen.
        """
        if self._count < 2:
            raise ValueError(f"padim needs at least 2 training images; it saw {self._count}")
        mean = self._sum / self._count
        covariance = (self._products - self._count * mean.transpose(1, 2) @ mean) / (self._count - 1)
        identity = torch.eye(covariance.shape[1], dtype=covariance.dtype, device=covariance.device)
        inverse = torch.linalg.inv(covariance + self.options.epsilon * identity)
        self.mean = (self._origin + mean).to(self.mean)
        self.whitening = torch.linalg.cholesky((inverse + inverse.transpose(1, 2)) / 2).to(self.whitening)
        del self._origin, self._sum, self._products
        self._count = 0

    def forward(self, images: Tensor) -> Prediction:
        white = (self._see(images) - self.mean) @ self.whitening  # (places, B, dims)
        distance = (white**2).sum(dim=2).sqrt().T
        distance = distance.unflatten(1, self.features.grid)[:, None]  # (B, 1, h, w)
        size = (self.shape.height, self.shape.width)
        upsampled = functional.interpolate(distance, size=size, mode="bilinear")
        anomaly_map = gaussian_blur(upsampled, BLUR * min(size))
        return Prediction(anomaly_map.amax(dim=(1, 2, 3)), anomaly_map, None)

    def _see(self, images: Tensor) -> Tensor:
        return self.features(images).flatten(2)[:, self.kept].permute(2, 0, 1)
