"""The one type that every reader returns: pixels with their place in the world."""

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np

from imaging.dicom_source import DicomSource

Geometry = Literal["patient", "detector", "none"]
"""What the affine's millimetres mean: true LPS positions, spacing on a detector, or none (one pixel = 1)."""


@dataclass(frozen=True)
class Window:
    """A linear or sigmoid grey window (PS3.3 C.11.2.1.2), in the unit of the rescaled values."""

    center: float
    width: float
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"


@dataclass(frozen=True)
class LookupTable:
    """A VOI LUT (PS3.3 C.11.2.1.1): `values[i]` is the output, in [0, 1], of the input `first + i`."""

    first: float
    values: np.ndarray  # (entries,) float32


@dataclass(frozen=True)
class Instance:
    """The DICOM object, and the frame of it, that one slice came from."""

    sop_class_uid: str
    sop_instance_uid: str
    frame: int = 0  # counted from 0


@dataclass(frozen=True)
class Source:
    """Where an image came from; `instances[k]` is slice k's, empty when the source is no DICOM.

    `dicom` is for results that go back as DICOM; it names the patient, so that it is never printed.
    """

    format: Literal["dicom", "nifti", "png", "jpeg"]
    study_uid: str | None = None
    series_uid: str | None = None
    frame_of_reference_uid: str | None = None
    instances: tuple[Instance, ...] = ()
    dicom: DicomSource | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SourceGrid:
    """How the source itself lays its voxels out, so that a map can be given back on exactly that grid.

    `axes[n]` says which of our index axes (0 = W, 1 = H, 2 = D) the source's n-th axis is; `flips[n]`
    whether it runs the other way. `affine` maps the source's own indices to RAS millimetres, NIfTI's
    convention.
    """

    shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    affine: np.ndarray  # (4, 4)

    @classmethod
    def straight(cls, shape: tuple[int, int, int], affine: np.ndarray) -> Self:
        """The grid of a source that counts (column, row, slice) as we do; `affine` maps those to LPS."""
        return cls(shape, (0, 1, 2), (False, False, False), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)

    def lay_back(self, volume: np.ndarray) -> np.ndarray:
        """Return a map `(D, H, W)` in the source's own index order, ready for a NIfTI of `affine`."""
        ordered = volume.transpose(2, 1, 0).transpose(self.axes)  # (W, H, D), then the source's order
        for axis, flip in enumerate(self.flips):
            if flip:
                ordered = np.flip(ordered, axis)
        return np.ascontiguousarray(ordered)


@dataclass(frozen=True)
class Contrast:
    """A channel that is a picture of its own, co-registered with the others, and its grey window."""

    name: str
    voi: Window | LookupTable | None = None


@dataclass(frozen=True)
class Image:
    """A 2-D or 3-D picture with geometry.

    `pixels` is float32, `(C, H, W)` or `(C, D, H, W)`: rescaled values (HU for CT), bright = dense or
    strong (MONOCHROME1 is already inverted), padding replaced by the lowest real value. `affine` maps
    `(column, row, slice)` indices to LPS millimetres; `geometry` says how far to believe it. `contrasts`
    name the channels where each has a scale of its own; `voi` is then the first one's.
    """

    pixels: np.ndarray
    affine: np.ndarray  # (4, 4)
    geometry: Geometry
    source: Source
    grid: SourceGrid
    modality: str | None = None
    body_part: str | None = None
    voi: Window | LookupTable | None = None
    warnings: tuple[str, ...] = ()
    contrasts: tuple[Contrast, ...] = ()

    @property
    def is_volume(self) -> bool:
        return self.pixels.ndim == 4

    @property
    def slices(self) -> np.ndarray:
        """The pixels as `(D, C, H, W)`; a 2-D image has one slice."""
        return self.pixels.swapaxes(0, 1) if self.is_volume else self.pixels[None]

    @property
    def size(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        depth, _channels, rows, columns = self.slices.shape
        return columns, rows, depth

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Millimetres per voxel along `(column, row, slice)`; None where the source does not say."""
        if self.geometry == "none":
            return None
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)
