"""From samples to what a network trains on, through the service's own preprocessing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.preprocess import prepare_image
from inference.steps import Step
from training.data.data_set import Sample
from training.errors import DataError


@dataclass(frozen=True)
class Prepared:
    """Slices of all samples in a row; `owner[n]` is the sample that slice n belongs to."""

    images: np.ndarray  # (N, C, h, w) float32
    owner: np.ndarray  # (N,) int


def prepare(samples: Sequence[Sample], chain: Sequence[Step]) -> Prepared:
    """Prepare every slice of every sample.

    Raises:
        DataError: Slices come out in different sizes: the steps lack a resize.
    """
    images, owner = [], []
    for index, sample in enumerate(samples):
        for part in prepare_image(sample.image, chain):
            images.append(part.pixels)
            owner.append(index)
    if len(shapes := {image.shape for image in images}) > 1:
        raise DataError(
            f"prepared images differ in size ({', '.join(str(shape) for shape in sorted(shapes))}); "
            f"add a resize step to the preprocessing"
        )
    return Prepared(np.stack(images) if images else np.empty((0, 1, 1, 1), np.float32), np.array(owner, int))
