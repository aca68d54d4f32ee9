"""How the slices that a network sees lie in the image that they were made of, and the way back for a map."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np

from inference.kernels import along, weights


@dataclass(frozen=True)
class LatticeAxis:
    """One axis of the network's slices: voxel `n` of it lies at `start + n * step` of the image's axis.

    `source` is that axis, 0 to 2 for depth, height and width; a negative step runs against it.
    """

    source: int
    count: int
    start: float
    step: float

    @property
    def end(self) -> float:
        return self.start + (self.count - 1) * self.step


@dataclass(frozen=True)
class Lattice:
    """Depth, height and width of the network's slices in an image of `source_shape` `(D, H, W)`."""

    axes: tuple[LatticeAxis, LatticeAxis, LatticeAxis]
    source_shape: tuple[int, int, int]

    @classmethod
    def of(cls, shape: tuple[int, int, int]) -> Self:
        """Every voxel of an image where it is."""
        depth, height, width = (LatticeAxis(axis, count, 0.0, 1.0) for axis, count in enumerate(shape))
        return cls((depth, height, width), shape)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        fields = json.loads(content)
        depth, height, width = (LatticeAxis(**axis) for axis in fields["axes"])
        return cls((depth, height, width), tuple(fields["source_shape"]))

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @property
    def shape(self) -> tuple[int, int, int]:
        depth, height, width = self.axes
        return depth.count, height.count, width.count

    @property
    def source_voxels(self) -> float:
        """How many voxels of the image one of the lattice stands for."""
        return float(np.prod([abs(axis.step) for axis in self.axes]))

    def turned(self, order: tuple[int, int, int], backwards: tuple[bool, bool, bool]) -> "Lattice":
        """Axis `n` becomes the present axis `order[n]`, run through from its end if `backwards[n]`."""
        axes = [self.axes[number] for number in order]
        turned = [
            replace(axis, start=axis.end, step=-axis.step) if backward else axis
            for axis, backward in zip(axes, backwards, strict=True)
        ]
        return replace(self, axes=(turned[0], turned[1], turned[2]))

    def coarsened(self, number: int, factor: float) -> "Lattice":
        """Each voxel of an axis stands for `factor` present ones; their middle stays, no part is left out."""
        axis = self.axes[number]
        count = max(1, int(np.ceil(axis.count / factor - 1e-6)))
        first = (axis.count - 1) / 2 - factor * (count - 1) / 2
        return self._with(
            number, replace(axis, count=count, start=axis.start + axis.step * first, step=axis.step * factor)
        )

    def sliced(self, chosen: range) -> "Lattice":
        """Only some of the slices."""
        axis = self.axes[0]
        return self._with(
            0,
            replace(
                axis,
                count=len(chosen),
                start=axis.start + axis.step * chosen[0],
                step=axis.step * chosen.step,
            ),
        )

    def lay_back(self, volume: np.ndarray, *, only: int | None = None) -> np.ndarray:
        """A map `(d, h, w)` on the image's own voxels `(D, H, W)`, 0 where no slice was.

        Between slices that lie apart it is interpolated.

        Args:
            only: The one slice of the image that is asked for; all of them else.
        """
        laid = np.asarray(volume, np.float32)
        # What gets smaller first: the volume in between stays as small as it can.
        for number in sorted(range(3), key=lambda number: abs(self.axes[number].step)):
            axis = self.axes[number]
            asked = np.arange(self.source_shape[axis.source])
            if only is not None and axis.source == 0:
                asked = asked[only : only + 1]
            laid = _read_back(laid, number, axis, asked)
        return np.ascontiguousarray(laid.transpose(np.argsort([axis.source for axis in self.axes])))

    def slices_of_source(self) -> np.ndarray | None:
        """The lattice's slice that is nearest to each slice of the image, -1 where none is near.

        None where they are cut in another direction.
        """
        axis = self.axes[0]
        if axis.source != 0:
            return None
        places = (np.arange(self.source_shape[0]) - axis.start) / axis.step
        return np.where(_is_near(places, axis.count), np.rint(places).clip(0, axis.count - 1), -1).astype(int)

    def _with(self, number: int, axis: LatticeAxis) -> "Lattice":
        axes = [*self.axes]
        axes[number] = axis
        return replace(self, axes=(axes[0], axes[1], axes[2]))


def _is_near(places: np.ndarray, count: int) -> np.ndarray:
    return np.asarray((places >= -0.5 - 1e-6) & (places <= count - 0.5 + 1e-6))


def _read_back(volume: np.ndarray, number: int, axis: LatticeAxis, asked: np.ndarray) -> np.ndarray:
    places = (asked - axis.start) / axis.step
    if len(places) == axis.count and np.abs(places - np.arange(axis.count)).max() < 1e-9:
        return volume
    matrix = weights(places, axis.count, interpolation="linear", widening=max(1.0, 1 / abs(axis.step)))
    laid = along(volume, number, matrix)
    far = ~_is_near(places, axis.count)
    if far.any():
        laid.swapaxes(0, number)[far] = 0
    return laid
