"""An anomaly map as small as the network made it, and the way back to the source's own pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.lattice import Lattice
from inference.preprocess import PreparedSlice, resample


@dataclass(frozen=True)
class MapPlanes:
    """One plane for each slice; `boxes` tell what part of the slice it covers, as in `PreparedSlice`."""

    planes: np.ndarray  # (D, h, w) float32; 0 where the map does not count
    boxes: np.ndarray  # (D, 4) int: top, left, height, width
    source_shape: tuple[int, int]  # (H, W) of a slice before its own steps
    lattice: Lattice | None = None  # how the slices lie in the image; None where they are its own

    @classmethod
    def of(
        cls, planes: np.ndarray, slices: Sequence[PreparedSlice], lattice: Lattice | None = None
    ) -> "MapPlanes":
        """The map `(D, h, w)` of slices that all have the same size."""
        counted = [
            plane if part.mask is None else plane * part.mask
            for plane, part in zip(planes, slices, strict=True)
        ]
        boxes = np.array([part.box for part in slices])
        return cls(np.stack(counted).astype(np.float32, copy=False), boxes, slices[0].source_shape, lattice)

    def plane(self, index: int) -> np.ndarray:
        """The map `(H, W)` float32 of one of the image's slices; 0 where the network saw nothing."""
        if self.lattice is None:
            return self._unfolded(index)
        return np.asarray(self.lattice.lay_back(self._all_unfolded(), only=index)[0])

    def whole(self) -> np.ndarray:
        """The map `(D, H, W)` float32 on the image's own pixels."""
        unfolded = self._all_unfolded()
        return unfolded if self.lattice is None else self.lattice.lay_back(unfolded)

    def _all_unfolded(self) -> np.ndarray:
        if len(self.planes) == 1:
            return self._unfolded(0)[None]
        return np.stack([self._unfolded(index) for index in range(len(self.planes))])

    def _unfolded(self, number: int) -> np.ndarray:
        """A plane on the pixels of the slice that the network saw, before the steps of single slices."""
        top, left, height, width = (int(value) for value in self.boxes[number])
        laid = resample(self.planes[number], height=height, width=width)
        if laid.shape == self.source_shape:
            return laid
        restored = np.zeros(self.source_shape, np.float32)
        restored[top : top + height, left : left + width] = laid
        return restored
