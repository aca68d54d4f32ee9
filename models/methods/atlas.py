"""Nearest-normals atlas: how far every pixel lies from the same pixel of the most similar normals.

Source: our own; nearest-neighbour scoring goes back to Ramaswamy et al., 2000,
https://doi.org/10.1145/342009.335437. With the k training normals nearest to image x on a coarse grid, each
also moved by up to `shift` cells,

    z = (x - mean_k) / (sd_k + floor)   on a blurred middle grid,   map = |z|,   score = mean z².

Options: `sign` keeps only what is brighter (or darker) than the neighbours, where lesions are known to be
so; `score = "top"` takes the mean of the map's highest part.

Learns by remembering: it holds small pictures (`value_size`²) of the training images. Say so in its card.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional

from models.blocks.neighbours import Neighbours
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
        shift: int = 2  # cells of the middle grid
        floor: float = 0.05
        mirror: bool = False
        sign: Literal["both", "bright", "dark"] = "both"
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
        self.memory = Neighbours(
            shape,
            key_size=options.key_size,
            value_size=options.value_size,
            blur=options.blur,
            shift=options.shift,
            mirror=options.mirror,
        )

    def stages(self) -> Sequence[Stage]:
        return [Observation("remember", self.memory.observe, self._finalize)]

    def forward(self, images: Tensor) -> Prediction:
        values, mean, spread = self.memory(images, self.options.neighbours)
        z = self._signed((values - mean) / (spread + self.options.floor))
        if self.options.score == "mean":
            score = mean_per_image(z**2)
        else:
            score = top_mean_per_image(z, self.options.top_fraction)
        size = (self.shape.height, self.shape.width)
        anomaly_map = functional.interpolate(z.mean(dim=1, keepdim=True), size=size, mode="bilinear")
        reconstruction = functional.interpolate(mean, size=size, mode="bilinear")
        return Prediction(score, anomaly_map, reconstruction)

    def _finalize(self) -> None:
        self.memory.finalize(self.options.neighbours)

    def _signed(self, z: Tensor) -> Tensor:
        if self.options.sign == "both":
            return z.abs()
        return (z if self.options.sign == "bright" else -z).clamp(min=0)
