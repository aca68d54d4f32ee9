"""Damaged files: every outcome is an image or one of our errors, in bounded memory."""

import gzip
import io
import tracemalloc
import zipfile

import nibabel
import numpy as np
import pytest
from PIL import Image as PillowImage
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from imaging.errors import ImagingError
from imaging.image import Image
from imaging.limits import Limits
from imaging.read import inspect_image, read_image
from tests.imaging.dicom_builder import dicom_dataset, slice_bytes, write

NOISE = np.random.default_rng(0).integers(0, 255, (24, 24)).astype(np.uint8)
LIMITS = Limits(max_decoded_bytes=32 * 2**20)


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(NOISE).save(out, format=kind)
    return out.getvalue()


def dicom(syntax: str | None = None) -> bytes:
    dataset = dicom_dataset(NOISE, WindowCenter=50, WindowWidth=100)
    if syntax == DeflatedExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    elif syntax is not None:
        dataset.compress(syntax, generate_instance_uid=False)
    return write(dataset)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for z in (0, 3):
            opened.writestr(str(z), slice_bytes(z))
    return out.getvalue()


VOLUME = nibabel.Nifti1Image(NOISE.reshape(6, 8, 12), np.eye(4)).to_bytes()
SAMPLES = {
    "dicom": dicom(),
    "deflated": dicom(DeflatedExplicitVRLittleEndian),
    "rle": dicom(RLELossless),
    "jpeg-ls": dicom(JPEGLSLossless),
    "zip": archive(),
    "nifti": VOLUME,
    "nifti.gz": gzip.compress(VOLUME, mtime=0),
    "png": picture("PNG"),
    "jpeg": picture("JPEG"),
}


def outcome(content: bytes) -> Image | ImagingError:
    """Reading and inspecting agree: what inspection refuses, reading refuses."""
    try:
        header = inspect_image([content], limits=LIMITS)
    except ImagingError as error:
        header = None
        refusal = error
    try:
        image = read_image([content], limits=LIMITS)
    except ImagingError as error:
        return error
    assert header is not None, f"inspection alone refused: {refusal}"
    assert image.slices.shape[0] == header.slices
    assert image.pixels.shape[-2:] == (header.rows, header.columns)
    return image


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_cut_anywhere_is_an_image_or_our_error(kind):
    content = SAMPLES[kind]
    for end in range(0, len(content), max(1, len(content) // 80)):
        assert isinstance(outcome(content[:end]), Image | ImagingError)
    assert isinstance(outcome(content), Image)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_with_flipped_bytes_is_an_image_or_our_error(kind):
    content = SAMPLES[kind]
    rng = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(content)
        for position in rng.integers(0, len(content), rng.integers(1, 6)):
            damaged[position] = rng.integers(0, 256)
        assert isinstance(outcome(bytes(damaged)), Image | ImagingError)


@pytest.mark.parametrize("kind", SAMPLES)
def test_damage_never_asks_for_more_memory_than_the_limits(kind):
    rng = np.random.default_rng(2)
    tracemalloc.start()
    for _ in range(30):
        damaged = bytearray(SAMPLES[kind])
        for position in rng.integers(0, min(len(damaged), 400), 4):
            damaged[position] = 0xFF
        outcome(bytes(damaged))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * LIMITS.max_decoded_bytes
