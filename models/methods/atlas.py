"""Nearest-normals atlas: how far every pixel lies from the same pixel of the most similar normals.

Source: our own; nearest-neighbour scoring goes back to Ramaswamy et al., 2000,
https://doi.org/10.1145/342009.335437. With the k training normals nearest to image x on a coarse grid,

    z = (x - mean_k) / (sd_k + floor)   on a blurred middle grid,   map = |z|,   score = mean z².

Learns by remembering: it holds small pictures (`value_size`²) of the training images. Say so in its card.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from models.blocks.filters import gaussian_blur
from models.losses import mean_per_image, top_mean_per_image
from models.method import AnomalyMethod, InputShape, Observation, Prediction, Stage


class Atlas(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`floor` is in units of the image, [0, 1]; `mirror` adds each normal's left-right mirror image."""

        neighbours: int = 25
        key_size: int = 16
        value_size: int = 32
        blur: float = 1.0  # pixels of the middle grid
        floor: float = 0.05
        mirror: bool = False
        score: Literal["mean", "top"] = "mean"
        top_fraction: float = 0.03

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        sizes = (options.key_size, options.value_size)
        if any(side % size for side in (shape.height, shape.width) for size in sizes):
            raise ValueError(
                f"atlas needs an input size that is a multiple of key_size and value_size {sizes}; "
                f"it is {shape.height} x {shape.width}"
            )
        self.options = options
        self.shape = shape
        self._seen: list[Tensor] = []
        self.keys: Tensor
        self.values: Tensor
        self.register_buffer("keys", torch.empty(0))  # (N, C key_size²)
        self.register_buffer("values", torch.empty(0))  # (N, C, value_size, value_size)

    def stages(self) -> Sequence[Stage]:
        return [Observation("remember", self.observe, self.finalize)]

    def observe(self, images: Tensor) -> None:
        self._seen.append(self._values_of(images))
        if self.options.mirror:
            self._seen.append(self._values_of(images.flip(-1)))

    def finalize(self) -> None:
        """Turn what was seen into the memory.

        Raises:
            ValueError: Fewer images than neighbours were seen.
        """
        values = torch.cat(self._seen)
        self._seen.clear()
        if len(values) < self.options.neighbours:
            raise ValueError(
                f"atlas needs at least {self.options.neighbours} training images (neighbours); "
                f"it saw {len(values)}"
            )
        self.values = values
        self.keys = self._keys_of(values)

    def forward(self, images: Tensor) -> Prediction:
        values = self._values_of(images)
        keys = self._keys_of(values)
        # |a - b|² without |a|²: the same for all neighbours of one image, so it cannot change their order.
        distances = (self.keys**2).sum(dim=1) - 2 * keys @ self.keys.T  # (B, N)
        nearest = torch.topk(distances, self.options.neighbours, dim=1, largest=False).indices
        neighbours = self.values[nearest]  # (B, k, C, value_size, value_size)
        mean = neighbours.mean(dim=1)
        spread = ((neighbours - mean[:, None]) ** 2).mean(dim=1).sqrt()
        z = (values - mean) / (spread + self.options.floor)
        if self.options.score == "mean":
            score = mean_per_image(z**2)
        else:
            score = top_mean_per_image(z.abs(), self.options.top_fraction)
        size = (self.shape.height, self.shape.width)
        anomaly_map = functional.interpolate(z.abs().mean(dim=1, keepdim=True), size=size, mode="bilinear")
        reconstruction = functional.interpolate(mean, size=size, mode="bilinear")
        return Prediction(score, anomaly_map, reconstruction)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # The memory's length is known only after training: take the checkpoint's.
        for name in ("keys", "values"):
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name], device=self.keys.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _values_of(self, images: Tensor) -> Tensor:
        size = self.options.value_size
        pooled = functional.avg_pool2d(images, (self.shape.height // size, self.shape.width // size))
        return gaussian_blur(pooled, self.options.blur)

    def _keys_of(self, values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, self.options.value_size // self.options.key_size).flatten(1)
