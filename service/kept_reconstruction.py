"""What is kept of what the network saw and made of it, and the volumes that are made of that.

One file beside `kept.npy`, which knows where the planes lie: eight bits a pixel, as a screen shows them.
Everything here runs in a sandbox.
"""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imaging.nifti import write_nifti
from inference.reconstruction import Reconstruction
from service.kept import KEPT, Kept

RECONSTRUCTED = "reconstruction.npy"
_LEVELS = 255


def write_reconstruction(found: Reconstruction, file: BinaryIO) -> None:
    for planes in (found.seen, found.made):
        low, high = float(planes.min()), float(planes.max())
        step = (high - low) / _LEVELS or 1.0
        np.save(file, np.array([low, step], np.float32))
        np.save(file, np.rint((planes.astype(np.float32) - low) / step).astype(np.uint8))


def make_seen(folder: Path, file: BinaryIO) -> None:
    """Lay what the network saw back on the source's grid, as `.nii.gz`; 0 where it saw nothing."""
    _lay_back(folder, 0, file)


def make_reconstruction(folder: Path, file: BinaryIO) -> None:
    """The same of what it made of that."""
    _lay_back(folder, 1, file)


def _lay_back(folder: Path, number: int, file: BinaryIO) -> None:
    with (folder / RECONSTRUCTED).open("rb") as source:
        pairs = [(np.load(source), np.load(source)) for _ in range(2)]
    (low, step), levels = pairs[number]
    kept = Kept.read(folder / KEPT)
    laid_back = replace(kept.planes, planes=low + step * levels).whole()
    # Enlarged, the planes have values between their levels, which tell nothing and hardly pack.
    volume = np.rint(laid_back / step) * step
    file.write(write_nifti(volume, kept.drawing.grid, level=1))
