"""Uploads of every kind, the hostile ones among them."""

import gzip
import io
import struct
import zipfile
import zlib

import nibabel
import numpy as np
import pytest
from PIL import Image as PillowImage
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless

from imaging.errors import (
    ImageTooLargeError,
    InconsistentSeriesError,
    NoPixelDataError,
    UnreadableImageError,
    UnsupportedImageError,
)
from imaging.limits import Limits
from imaging.read import inspect_image, read_image
from tests.imaging.dicom_builder import SECRET_NAME, dicom_bytes, dicom_dataset, slice_bytes, write

MEGABYTE = 2**20


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def nifti_header(shape: tuple[int, ...]) -> bytes:
    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.uint8)
    header["vox_offset"] = 352
    return header.binaryblock + b"\0" * 29


def test_a_zip_of_a_series_with_folders_and_junk_is_one_volume():
    report = write(dicom_dataset(np.zeros((1, 1), np.uint8), PixelData=None, Rows=None))
    archive = zipped(
        **{
            "a/1": slice_bytes(0),
            "a/b/../../2": slice_bytes(3),
            "DICOMDIR": report,
            "__MACOSX/._1": b"\0\5\x16\7junk",
            "readme.txt": b"hello",
            "thumb.png": png(np.zeros((4, 4), np.uint8)),
        }
    )
    image = read_image([archive])
    assert image.pixels.shape == (1, 2, 2, 3)
    assert image.warnings == ("4 files of the ZIP archive are no part of the image and are passed over",)


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        ([], UnreadableImageError, "the upload is empty"),
        ([b""], UnreadableImageError, "the upload is empty"),
        ([b"just some text"], UnsupportedImageError, "of no type that can be read"),
        ([zipped(a=b"text")], UnsupportedImageError, "none of the 1 files in the ZIP archive is an image"),
        ([zipped(a=zipped(b=b"x"))], UnsupportedImageError, "holds another archive"),
        ([gzip.compress(b"text")], UnsupportedImageError, "the gzip file holds no NIfTI volume"),
        ([zipped(a=b"x" * 999)[:-30]], UnreadableImageError, "ZIP archive is damaged"),
        (
            [zipped(a=b"\0" * 70 * MEGABYTE)],
            ImageTooLargeError,
            "the ZIP archive unpacks to 73,400,320 bytes",
        ),
        ([nifti_header((3000, 3000, 2000))], ImageTooLargeError, "asks for 72,000,000,000 bytes"),
        ([nifti_header((1000, 1000, 100))], UnreadableImageError, "377 of 100,000,352 bytes arrived"),
        ([gzip.compress(nifti_header((500, 500, 500)))], ImageTooLargeError, "asks for 500,000,000 bytes"),
        ([png(np.zeros((1, 1), np.uint8))] * 2, InconsistentSeriesError, "0 DICOM files and 2 other images"),
        ([png(np.zeros((1, 1), np.uint8)), slice_bytes(0)], InconsistentSeriesError, "1 DICOM files and 1"),
        ([slice_bytes(0, PixelData=None)], UnreadableImageError, "the file ends before its pixel data"),
        (
            [slice_bytes(0, PixelData=None, Rows=None)],
            NoPixelDataError,
            r"\(CT Image Storage\) holds no pixel data",
        ),
        ([slice_bytes(0, Rows=0)], UnreadableImageError, r"\(0028,0010\) Rows is 0"),
        ([slice_bytes(0, SamplesPerPixel=2)], UnsupportedImageError, r"Samples per Pixel is 2"),
        ([slice_bytes(0, NumberOfFrames=2**31 - 1)], UnreadableImageError, "pixel data are truncated"),
    ],
)
def test_what_cannot_be_an_image_is_told_at_upload_and_at_reading(parts, error, words):
    for look in (inspect_image, read_image):
        with pytest.raises(error, match=words):
            look(parts)


def test_more_files_than_allowed_are_refused():
    with pytest.raises(ImageTooLargeError, match="2 files are more than 1"):
        inspect_image([b"x", b"y"], limits=Limits(max_files=1))


def test_an_unknown_transfer_syntax_is_named():
    content = slice_bytes(0).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    with pytest.raises(UnsupportedImageError, match=r"1\.2\.840\.10008\.1\.2\.9 is not supported"):
        inspect_image([content])


def test_a_deflated_bomb_is_stopped_at_its_budget():
    dataset = dicom_dataset(np.zeros((1, 1), np.uint8))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    start = write(dataset)
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = stream.compress(b"\0" * 80 * MEGABYTE) + stream.flush()
    meta_end = 132 + 12 + struct.unpack_from("<I", start, 140)[0]
    with pytest.raises(ImageTooLargeError, match="unpack to over 67,108,864 bytes"):
        inspect_image([start[:meta_end] + bomb])


def test_a_compressed_frame_of_another_size_than_the_header_is_refused():
    dataset = dicom_dataset(np.arange(4096, dtype=np.uint16).reshape(64, 64))
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    dataset.Rows = 32
    with pytest.raises(UnreadableImageError, match="not of the 32 by 64 pixels"):
        read_image([write(dataset)])


def test_a_solid_frame_that_grows_beyond_the_ratio_is_refused():
    dataset = dicom_dataset(np.zeros((64, 64), np.uint8))
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    dataset.Rows = dataset.Columns = 30000
    with pytest.raises(ImageTooLargeError, match="asks for 1 frames and 3,600,000,000 bytes"):
        inspect_image([write(dataset)])


@pytest.mark.parametrize("syntax_length", [0, 1])
def test_a_data_set_without_preamble_or_meta_is_read(syntax_length):
    content = slice_bytes(0, value=7)
    start = 132 if syntax_length else 144 + struct.unpack_from("<I", content, 140)[0]
    assert read_image([content[start:]]).pixels.max() == 7


def test_what_follows_the_image_is_ignored():
    assert read_image([slice_bytes(0, value=3) + b"garbage"]).pixels.max() == 3


def test_a_memoryview_is_as_good_as_bytes():
    assert read_image([memoryview(slice_bytes(0, value=3))]).pixels.max() == 3


def test_no_warning_and_no_error_names_the_patient(caplog):
    content = dicom_bytes(np.zeros((64, 64), np.int16))
    said = []
    for end in range(132, len(content), 97):
        try:
            said.extend(read_image([content[:end]]).warnings)
        except (UnreadableImageError, UnsupportedImageError) as error:
            said.append(str(error))
    assert said
    assert SECRET_NAME not in "".join(said) + caplog.text
