"""k nearest neighbours on coarse pixels or edges: how far an image lies from the normals most like it.

Source: Ramaswamy et al., Efficient Algorithms for Mining Outliers, 2000,
https://doi.org/10.1145/342009.335437. On images pooled to `size` x `size`,

    score = mean Euclidean distance to the k nearest normals,   map = |x - mean of these k|.

`features = "gradients"` compares histograms of gradient directions on `size`² cells.
Learns by remembering: it holds small pictures of the training images. Say so in its card. The literature has
no map; ours is the pooled residual to the mean neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.gradient_histograms import gradient_histograms
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage


class Knn(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        neighbours: int = 5
        size: int = 16
        features: Literal["pixels", "gradients"] = "pixels"

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        if shape.height % options.size or shape.width % options.size:
            raise ValueError(
                f"knn needs sides that are multiples of size {options.size}; "
                f"they are {shape.height} x {shape.width}"
            )
        self.options = options
        self.shape = shape
        self._seen: list[Tensor] = []
        self.memory: Tensor
        self.register_buffer("memory", torch.empty(0))  # (N, F), the flat grids of the normals

    def stages(self) -> Sequence[Stage]:
        return [Observation("remember", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        self._seen.append(self._grid_of(images).flatten(1))

    def finalize(self) -> None:
        """Turn what was seen into the memory.

        Raises:
            ValueError: Fewer images than neighbours were seen.
        """
        seen = torch.cat(self._seen)
        self._seen.clear()
        if len(seen) < self.options.neighbours:
            raise ValueError(
                f"knn needs at least {self.options.neighbours} training images; it saw {len(seen)}"
            )
        self.memory = seen

    def forward(self, images: Tensor) -> Prediction:
        grid = self._grid_of(images)
        query = grid.flatten(1)
        # |a - b|² without |a|²: the same for all neighbours of one image, so it cannot change their order.
        order = (self.memory**2).sum(dim=1) - 2 * query @ self.memory.T  # (B, N)
        nearest = torch.topk(order, self.options.neighbours, dim=1, largest=False).indices
        neighbours = self.memory[nearest]  # (B, k, F)
        score = ((neighbours - query[:, None]) ** 2).sum(dim=2).sqrt().mean(dim=1)
        mean = neighbours.mean(dim=1).view_as(grid)
        size = (self.shape.height, self.shape.width)
        residual = (grid - mean).abs().mean(dim=1, keepdim=True)
        anomaly_map = functional.interpolate(residual, size=size, mode="bilinear")
        if self.options.features == "gradients":
            return Prediction(score, anomaly_map, None)  # a histogram is no picture
        return Prediction(score, anomaly_map, functional.interpolate(mean, size=size, mode="bilinear"))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # The memory's length is known only after training: take the checkpoint's.
        if prefix + "memory" in state_dict:
            self.memory = torch.empty_like(state_dict[prefix + "memory"], device=self.memory.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _grid_of(self, images: Tensor) -> Tensor:
        """What is compared, `(B, features, rows, columns)`."""
        size = self.options.size
        if self.options.features == "gradients":
            return gradient_histograms(images, size)
        return functional.avg_pool2d(images, (self.shape.height // size, self.shape.width // size))
