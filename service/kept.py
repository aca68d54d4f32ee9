"""What is kept of a finished job beside its JSON, and the forms that are made of it when first asked for.

One file: the map as small as the network made it, then the drawing, which holds what else the forms need,
then, sealed, what results as DICOM take over from the source; so that all can be made when the upload is
gone.
Everything here runs in a sandbox.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imaging.dicom_source import DicomSource
from imaging.image import Image, SourceGrid
from imaging.nifti import write_nifti
from imaging.overlay import GreyPicture, draw_overlay, grey_picture
from inference.lattice import Lattice
from inference.map_planes import MapPlanes
from inference.scoring import ImageResult
from service.seal import seal, unseal

KEPT = "kept.npy"


@dataclass(frozen=True)
class Drawing:
    """The worst slice's picture and number, two values of the map, and the source's grid.

    `limit` is the map's value at full colour, `map_threshold` the one that findings lie above.
    """

    picture: GreyPicture
    slice_index: int
    limit: float
    map_threshold: float
    grid: SourceGrid

    @classmethod
    def of(cls, image: Image, result: ImageResult, *, picture: GreyPicture | None = None) -> "Drawing":
        """The drawing of a result; `picture` is the worst slice's, if it has been made already."""
        worst = result.worst_slice
        limit = result.full_colour
        return cls(picture or grey_picture(image, worst), worst, limit, result.map_threshold, image.grid)

    def write(self, file: BinaryIO) -> None:
        """The picture as it is, for packing it would take longer than all else after the graph."""
        fields = {
            "size": self.picture.size,
            "slice_index": self.slice_index,
            "limit": self.limit,
            "map_threshold": self.map_threshold,
            "shape": self.grid.shape,
            "axes": self.grid.axes,
            "flips": self.grid.flips,
            "affine": self.grid.affine.tolist(),
        }
        np.save(file, self.picture.pixels)
        np.save(file, np.frombuffer(json.dumps(fields).encode(), np.uint8))

    @classmethod
    def read(cls, file: BinaryIO) -> "Drawing":
        pixels, fields = np.load(file), json.loads(np.load(file).tobytes())
        grid = SourceGrid(
            tuple(fields["shape"]), tuple(fields["axes"]), tuple(fields["flips"]), np.array(fields["affine"])
        )
        picture = GreyPicture(pixels, tuple(fields["size"]))
        return cls(picture, fields["slice_index"], fields["limit"], fields["map_threshold"], grid)


@dataclass(frozen=True)
class Kept:
    planes: MapPlanes
    drawing: Drawing
    sealed_source: bytes  # b"" for what did not come as DICOM
    deidentification: bytes = b""  # JSON: what was changed in the upload that is kept

    def source(self, seal_key: str) -> DicomSource | None:
        """What results as DICOM take over from the image; None where it did not come as DICOM.

        Raises:
            GoneError: It was sealed with another key.
        """
        return DicomSource.from_bytes(unseal(self.sealed_source, seal_key)) if self.sealed_source else None

    def write(self, file: BinaryIO) -> None:
        np.save(file, self.planes.planes)
        np.save(file, self.planes.boxes)
        np.save(file, np.array(self.planes.source_shape))
        self.drawing.write(file)
        lattice = self.planes.lattice
        for content in (self.sealed_source, lattice.to_bytes() if lattice else b"", self.deidentification):
            np.save(file, np.frombuffer(content, np.uint8))

    @classmethod
    def read(cls, path: Path) -> "Kept":
        with path.open("rb") as file:
            planes, boxes, source_shape = (np.load(file) for _ in range(3))
            shape = (int(source_shape[0]), int(source_shape[1]))
            drawing, source = Drawing.read(file), np.load(file).tobytes()
            lattice, deidentification = _read_or_nothing(file), _read_or_nothing(file)
            found = Lattice.from_bytes(lattice) if lattice else None
            return cls(MapPlanes(planes, boxes, shape, found), drawing, source, deidentification)


def _read_or_nothing(file: BinaryIO) -> bytes:
    try:
        return bytes(np.load(file).tobytes())
    except EOFError:  # kept before there was such a thing
        return b""


def seal_source(source: DicomSource | None, seal_key: str) -> bytes:
    """What results as DICOM need, for `Kept`."""
    return seal(source.to_bytes(), seal_key) if source else b""


def make_overlay(folder: Path, file: BinaryIO) -> None:
    """Draw the heatmap over the worst slice of the result in `folder`, as a PNG."""
    kept = Kept.read(folder / KEPT)
    drawing, plane = kept.drawing, kept.planes.plane(kept.drawing.slice_index)
    file.write(draw_overlay(drawing.picture, plane, limit=drawing.limit))


def make_nifti(folder: Path, file: BinaryIO) -> None:
    """Lay the map of the result in `folder` back on its source's grid, as `.nii.gz`."""
    kept = Kept.read(folder / KEPT)
    file.write(write_nifti(kept.planes.whole(), kept.drawing.grid))


def make_deidentification(folder: Path, file: BinaryIO) -> None:
    """Write what was changed in the upload that is kept of the result in `folder`."""
    file.write(Kept.read(folder / KEPT).deidentification or b"{}")
