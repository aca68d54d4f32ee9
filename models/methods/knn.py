"""k nearest neighbours on coarse pixels: how far an image lies from the normals most like it.

Source: Ramaswamy et al., Efficient Algorithms for Mining Outliers, 2000,
https://doi.org/10.1145/342009.335437. On images pooled to `size` x `size`,

    score = mean Euclidean distance to the k nearest normals,   map = |x - mean of these k|.

Learns by remembering: it holds small pictures of the training images. Say so in its card. The literature has
no map; ours is the pooled residual to the mean neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage


class Knn(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        neighbours: int = 5
        size: int = 16

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
        self.register_buffer("memory", torch.empty(0))  # (N, C size²)

    def stages(self) -> Sequence[Stage]:
        return [Observation("remember", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        self._seen.append(self._pool(images).flatten(1))

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
        pooled = self._pool(images)
        query = pooled.flatten(1)
        # |a - b|² without |a|²: the same for all neighbours of one image, so it cannot change their order.
        order = (self.memory**2).sum(dim=1) - 2 * query @ self.memory.T  # (B, N)
        nearest = torch.topk(order, self.options.neighbours, dim=1, largest=False).indices
        neighbours = self.memory[nearest]  # (B, k, C size²)
        score = ((neighbours - query[:, None]) ** 2).sum(dim=2).sqrt().mean(dim=1)
        mean = neighbours.mean(dim=1).view_as(pooled)
        size = (self.shape.height, self.shape.width)
        residual = (pooled - mean).abs().mean(dim=1, keepdim=True)
        return Prediction(
            score,
            functional.interpolate(residual, size=size, mode="bilinear"),
            functional.interpolate(mean, size=size, mode="bilinear"),
        )

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # The memory's length is known only after training: take the checkpoint's.
        if prefix + "memory" in state_dict:
            self.memory = torch.empty_like(state_dict[prefix + "memory"], device=self.memory.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _pool(self, images: Tensor) -> Tensor:
        size = self.options.size
        return functional.avg_pool2d(images, (self.shape.height // size, self.shape.width // size))
