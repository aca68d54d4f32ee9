"""What is kept of a finished job beside its JSON, and the forms that are made of it when first asked for.

The map lies uncompressed, on the image's own slices; the drawing holds what else the forms need, so that the
heatmap can be drawn when the upload is gone. Everything here runs in a sandbox, and big forms go into files.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imaging.image import Image, SourceGrid
from imaging.nifti import write_nifti
from imaging.overlay import GreyPicture, draw_overlay, grey_picture
from inference.scoring import ImageResult

MAP = "anomaly_map.npy"  # (D, H, W) float32
DRAWING = "drawing.npz"


@dataclass(frozen=True)
class Drawing:
    """The worst slice's picture and number, the map's value at full colour, and the source's grid."""

    picture: GreyPicture
    slice_index: int
    limit: float
    grid: SourceGrid

    @classmethod
    def of(cls, image: Image, result: ImageResult) -> "Drawing":
        worst = max(range(len(result.slice_scores)), key=result.slice_scores.__getitem__)
        limit = full_colour_of(result.map_threshold, peak=float(result.anomaly_map.max()))
        return cls(grey_picture(image, worst), worst, limit, image.grid)

    def to_bytes(self) -> bytes:
        """The picture as it is, for packing it would take longer than all else after the graph."""
        fields = {
            "size": self.picture.size,
            "slice_index": self.slice_index,
            "limit": self.limit,
            "shape": self.grid.shape,
            "axes": self.grid.axes,
            "flips": self.grid.flips,
            "affine": self.grid.affine.tolist(),
        }
        out = io.BytesIO()
        np.savez(out, pixels=self.picture.pixels, fields=np.array(json.dumps(fields)))
        return out.getvalue()

    @classmethod
    def read(cls, path: Path) -> "Drawing":
        with np.load(path, allow_pickle=False) as stored:
            pixels, fields = stored["pixels"], json.loads(stored["fields"].item())
        grid = SourceGrid(
            tuple(fields["shape"]), tuple(fields["axes"]), tuple(fields["flips"]), np.array(fields["affine"])
        )
        picture = GreyPicture(pixels, tuple(fields["size"]))
        return cls(picture, fields["slice_index"], fields["limit"], grid)


def full_colour_of(map_threshold: float, *, peak: float) -> float:
    """The map's value that has the heatmap's last colour: the threshold lies in the middle of the scale."""
    return 2 * map_threshold if map_threshold > 0 else max(peak, 1e-6)


def make_overlay(folder: Path, file: BinaryIO) -> None:
    """Draw the heatmap over the worst slice of the result in `folder`, as a PNG."""
    drawing = Drawing.read(folder / DRAWING)
    anomaly_map = np.load(folder / MAP, mmap_mode="r")
    file.write(draw_overlay(drawing.picture, anomaly_map[drawing.slice_index], limit=drawing.limit))


def make_nifti(folder: Path, file: BinaryIO) -> None:
    """Lay the map of the result in `folder` back on its source's grid, as `.nii.gz`."""
    file.write(write_nifti(np.load(folder / MAP, mmap_mode="r"), Drawing.read(folder / DRAWING).grid))


def make_archive(folder: Path, names: Sequence[str], file: BinaryIO) -> None:
    """Zip files of `folder`; the same files give the same bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            # A fixed date keeps the archive of one result the same, whenever it is made.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            with (folder / name).open("rb") as source, archive.open(entry, "w") as packed:
                while piece := source.read(1 << 20):
                    packed.write(piece)
