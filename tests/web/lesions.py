"""Smooth images with one bright lesion: the tests' tiny bundle colours it and nothing else."""

import io
import zipfile

import nibabel
import numpy as np
from PIL import Image as PillowImage

from tests.imaging.dicom_builder import dicom_bytes

SIDE = 256
SLICES = 9
WORST = 5
# Two by two of the 32 x 32 pixels that the network sees, and off the middle: a turned map lies elsewhere.
_ROWS, _COLUMNS = slice(48, 64), slice(160, 176)
_BRIGHT = 1000


def _smooth() -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (100 + (rows + columns) // 4).astype(np.int16)


def _plane() -> np.ndarray:
    plane = _smooth()
    plane[_ROWS, _COLUMNS] = _BRIGHT
    return plane


def png() -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray((_plane() // 4).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def x_ray() -> bytes:
    """With pixels that are not square."""
    return dicom_bytes(_plane(), Modality="CR", BodyPartExamined="CHEST", PixelSpacing=[0.4, 0.3])


def ct_zip() -> bytes:
    """Axial slices, the highest first, the lesion in the sixth from below."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index in reversed(range(SLICES)):
            place = {
                "ImagePositionPatient": [10, 20, 5.0 * index],
                "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
                "PixelSpacing": [0.8, 0.8],
                "SliceThickness": 5,
                "InstanceNumber": SLICES - index,
            }
            plane = _plane() if index == WORST else _smooth()
            archive.writestr(f"ct/{index}", dicom_bytes(plane, **place))
    return out.getvalue()


def nifti() -> bytes:
    """A volume that is stored turned: its axes run inferior, left, anterior."""
    volume = np.stack([_plane() if index == WORST else _smooth() for index in range(SLICES)])  # (S, P, L)
    stored = volume[::-1].transpose(0, 2, 1)[:, :, ::-1]  # (I, L, A)
    affine = np.array([[0, -0.9, 0, 60], [0, 0, 0.9, -70], [-4.0, 0, 0, 80], [0, 0, 0, 1]])
    return nibabel.Nifti1Image(np.ascontiguousarray(stored), affine).to_bytes()
