"""An anomaly map as small as the network made it, and the way back to the source's own pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.preprocess import PreparedSlice, resample


@dataclass(frozen=True)
class MapPlanes:
    """One plane for each slice; `boxes` tell what part of the slice it covers, as in `PreparedSlice`."""

    planes: np.ndarray  # (D, h, w) float32; 0 where the map does not count
    boxes: np.ndarray  # (D, 4) int: top, left, height, width
    source_shape: tuple[int, int]  # (H, W)

    @classmethod
    def of(cls, planes: np.ndarray, slices: Sequence[PreparedSlice]) -> "MapPlanes":
        """The map `(D, h, w)` of slices that all have the same size."""
        counted = [
            plane if part.mask is None else plane * part.mask
            for plane, part in zip(planes, slices, strict=True)
        ]
        boxes = np.array([part.box for part in slices])
        return cls(np.stack(counted).astype(np.float32, copy=False), boxes, slices[0].source_shape)

    def plane(self, index: int) -> np.ndarray:
        """One slice's map `(H, W)` float32 on the source's pixels; 0 where the network saw nothing."""
        top, left, height, width = (int(number) for number in self.boxes[index])
        laid = resample(self.planes[index], height=height, width=width)
        if laid.shape == self.source_shape:
            return laid
        restored = np.zeros(self.source_shape, np.float32)
        restored[top : top + height, left : left + width] = laid
        return restored

    def whole(self) -> np.ndarray:
        """The map `(D, H, W)` float32 on the source's pixels."""
        if len(self.planes) == 1:
            return self.plane(0)[None]
        return np.stack([self.plane(index) for index in range(len(self.planes))])
