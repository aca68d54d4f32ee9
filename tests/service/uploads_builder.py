"""Tiny images to upload; a seed makes each another job."""

import io
import zipfile

import nibabel
import numpy as np
from PIL import Image as PillowImage

from tests.imaging.dicom_builder import dicom_bytes, slice_bytes


def grey(seed: int, shape: tuple[int, ...] = (40, 48)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, shape, np.uint8)


def png_bytes(seed: int = 0) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(grey(seed)).save(out, "PNG")
    return out.getvalue()


def ct_slices(seed: int = 0, count: int = 4) -> list[bytes]:
    """Axial slices of 2 rows and 3 columns, 5 mm apart, the highest first."""
    return [slice_bytes(5.0 * index, seed + index) for index in reversed(range(count))]


def ct_zip(seed: int = 0, count: int = 4) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index, content in enumerate(ct_slices(seed, count)):
            archive.writestr(f"any/name-{index}", content)
    return out.getvalue()


def nifti_bytes(seed: int = 0, shape: tuple[int, int, int] = (20, 24, 5)) -> bytes:
    """A volume whose axes run L, A, S, with voxels of 2 x 1.5 x 3 mm."""
    affine = np.diag([-2.0, 1.5, 3.0, 1.0])
    affine[:3, 3] = [30, -40, 50]
    return nibabel.Nifti1Image(grey(seed, shape), affine).to_bytes()


def monochrome1_bytes(seed: int = 0) -> bytes:
    pixels = grey(seed).astype(np.uint16)
    return dicom_bytes(
        pixels, PhotometricInterpretation="MONOCHROME1", Modality="DX", PixelSpacing=[0.2, 0.3]
    )
