"""PCA residual: what the first principal components of the normals cannot draw.

Source: Turk and Pentland, Eigenfaces for Recognition, 1991, https://doi.org/10.1162/jocn.1991.3.1.71, whose
distance from face space it is. With mean m and the orthonormal rows V of the largest components,

    x̂ = m + VᵀV (x - m),   map = |x - x̂|,   score = mean (x - x̂)².
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.losses import mean_per_image
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage


class Pca(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        components: int = 16

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self._seen: list[Tensor] = []
        size = shape.channels * shape.height * shape.width
        self.mean: Tensor
        self.components: Tensor
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("components", torch.zeros(options.components, size))

    def stages(self) -> Sequence[Stage]:
        return [Observation("components", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        self._seen.append(images.flatten(1))

    def finalize(self) -> None:
        """Turn what was seen into components.

        Raises:
            ValueError: Fewer images than components were seen.
        """
        seen = torch.cat(self._seen)  # (N, C H W)
        self._seen.clear()
        if len(seen) <= self.options.components:
            raise ValueError(
                f"pca needs more training images than its {self.options.components} components; "
                f"it saw {len(seen)}"
            )
        self.mean = seen.mean(dim=0)
        # The small Gram matrix has the same components as the large covariance.
        centred = (seen - self.mean).double()
        _values, vectors = torch.linalg.eigh(centred @ centred.T)
        leading = vectors[:, -self.options.components :].T @ centred
        self.components = torch.nn.functional.normalize(leading, dim=1).to(seen.dtype)

    def forward(self, images: Tensor) -> Prediction:
        centred = images.flatten(1) - self.mean
        drawn = centred @ self.components.T @ self.components
        residual = (centred - drawn).view_as(images)
        reconstruction = (drawn + self.mean).view_as(images)
        return Prediction(
            mean_per_image(residual**2), residual.abs().mean(dim=1, keepdim=True), reconstruction
        )
