"""Mean intensity: the plainest score there is, and the one that every method must beat.

Source: Meissen et al., Challenging Current Semi-Supervised Anomaly Segmentation Methods for Brain MRI, 2021,
https://arxiv.org/abs/2109.06023, who show that thresholding bright pixels beats many networks.

    score = mean of the image,   map = the image.

It learns nothing. A low figure of another method is judged against this one's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from models.losses import mean_per_image
from models.method import AnomalyMethod, InputShape, Prediction, Stage


class MeanIntensity(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """There is nothing to choose."""

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)

    def stages(self) -> Sequence[Stage]:
        return []

    def forward(self, images: Tensor) -> Prediction:
        return Prediction(mean_per_image(images), images.mean(dim=1, keepdim=True), None)
