"""Synthetic-lesion U-Net: a segmenter of lesions that were drawn on normals.

Source: our own, in the line of Tan et al., Detecting Outliers with Foreign Patch Interpolation, 2020,
https://arxiv.org/abs/2011.04197. A U-Net sees image x with drawn lesions of mask m and gives p:

    loss = BCE(p, m) + 0.3 (1 - 2 Σ p m / Σ (p + m)),   map = p,   score = mean of the map's top 1 %.

Beside x the U-Net may see its left-right mirror image (`mirror`; the map is then averaged over both), and how
x departs from the k normals most like it (`neighbours`: their mean, and (x - mean) / (4 (sd + 0.05))). `skip`
leaves the very nearest normals out: in training they are x itself. With `neighbours` it holds small pictures
of the training images: say so in its card. `bright` is the chance of a lesion to be brighter than its ground:
0.5 is no knowledge, 0.9 suits FLAIR. `kinds` says what lesions hold, as `models/blocks/lesions.py` names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from models.blocks.augment import augment
from models.blocks.lesions import LesionLaw, draw_lesions
from models.blocks.neighbours import Neighbours
from models.blocks.unet import UNet
from models.losses import top_mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation, Prediction, Stage, Update
from models.schedules import one_cycle

# A pixel at or below this share of the range is background.
BACKGROUND = 0.01
FLOOR = 0.05
# Neighbours are searched on so many cells a side.
KEYS = 16


class SyntheticUNet(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """Radii are shares of the side; `augment` is the strength of random changes, 0 for none.

        `grid` is the size of remembered pictures; smaller images are remembered whole.
        """

        width: int = 16
        depth: int = 3
        smallest: float = 0.03
        largest: float = 0.14
        bright: float = 0.5
        kinds: tuple[str, ...] = LesionLaw.kinds
        mirror: bool = True
        neighbours: int = 25
        skip: int = 5
        grid: int = 64
        augment: float = 1.0
        learning_rate: float = 1e-3
        weight_decay: float = 1e-4
        steps: int = 600
        top_fraction: float = 0.01

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        _check(shape, options)
        self.options = options
        self.shape = shape
        self.law = LesionLaw(options.smallest, options.largest, options.bright, options.kinds)
        self.memory = Neighbours(
            shape,
            key_size=KEYS,
            value_size=_grid(shape, options),
            blur=1.0,
            shift=0,
            mirror=options.mirror,
        )
        pictures = 1 + options.mirror + 2 * bool(options.neighbours)
        self.network = UNet(pictures * shape.channels, 1, width=options.width, depth=options.depth)

    def stages(self) -> Sequence[Stage]:
        segment = Descent("segment", self.options.steps, self._optimizers, self._step, one_cycle)
        if not self.options.neighbours:
            return [segment]
        return [Observation("remember", self.memory.observe, self._finalize), segment]

    def forward(self, images: Tensor) -> Prediction:
        anomaly_map = torch.sigmoid(self.network(self._beside(images)))
        if self.options.mirror:
            mirrored = torch.sigmoid(self.network(self._beside(images.flip(-1))))
            anomaly_map = (anomaly_map + mirrored.flip(-1)) / 2
        anomaly_map = anomaly_map * _foreground(images)
        return Prediction(top_mean_per_image(anomaly_map, self.options.top_fraction), anomaly_map, None)

    def _finalize(self) -> None:
        self.memory.finalize(self.options.neighbours + self.options.skip)

    def _beside(self, images: Tensor) -> Tensor:
        """The images and what they are to be held against, `(B, pictures C, H, W)`."""
        pictures = [images]
        if self.options.mirror:
            pictures.append(images.flip(-1))
        if self.options.neighbours:
            values, mean, spread = self.memory(images, self.options.neighbours, self.options.skip)
            departure = (values - mean) / (4 * (spread + FLOOR))
            size = (self.shape.height, self.shape.width)
            for picture in (mean, departure):
                pictures.append(functional.interpolate(picture, size=size, mode="bilinear"))
        return torch.cat(pictures, dim=1)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        options = self.options
        return {
            "network": AdamW(
                self.network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
            )
        }

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        with torch.no_grad():
            normals = augment(batch.images, strength=self.options.augment, mirror=self.options.mirror)
            images, masks = draw_lesions(normals, _foreground(normals), self.law)
            beside = self._beside(images)
        logits = self.network(beside)
        chance = torch.sigmoid(logits)
        overlap = 1 - (2 * (chance * masks).sum() + 1) / (chance.sum() + masks.sum() + 1)
        entropy = functional.binary_cross_entropy_with_logits(logits, masks)
        yield Update("network", entropy + 0.3 * overlap, {"entropy": entropy, "overlap": overlap})


def _check(shape: InputShape, options: SyntheticUNet.Options) -> None:
    multiple = 2**options.depth
    if shape.height % multiple or shape.width % multiple:
        raise ValueError(
            f"synthetic_unet with depth {options.depth} needs sides that are multiples of {multiple}; "
            f"they are {shape.height} x {shape.width}"
        )
    grid = _grid(shape, options)
    if options.neighbours and (shape.height % grid or shape.width % grid or grid % KEYS):
        raise ValueError(
            f"synthetic_unet needs a grid that is a multiple of {KEYS} and divides the sides "
            f"{shape.height} x {shape.width}, to find neighbours; it is {grid}"
        )


def _grid(shape: InputShape, options: SyntheticUNet.Options) -> int:
    return min(options.grid, shape.height, shape.width)


def _foreground(images: Tensor) -> Tensor:
    """Where any channel is above the background, `(B, 1, H, W)` of 0 and 1."""
    return (images.amax(dim=1, keepdim=True) > BACKGROUND).to(images.dtype)
