"""Uploaded bytes to one image, whatever they turn out to be."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from imaging.dicom import inspect_dicom, read_dicom
from imaging.dicom_file import parse_dicom, parse_dicom_header
from imaging.header import Header
from imaging.image import Image
from imaging.kinds import Buffer, Kind
from imaging.limits import Limits
from imaging.nifti import inspect_nifti, read_nifti
from imaging.raster import inspect_raster, read_raster
from imaging.upload import sort_upload

__all__ = ["Header", "Limits", "inspect_image", "read_image"]


class _Reader(Protocol):
    def __call__(self, content: Buffer, *, limits: Limits) -> Image: ...


class _Inspector(Protocol):
    def __call__(self, content: Buffer, *, limits: Limits) -> Header: ...


_READERS: dict[Kind, _Reader] = {"nifti": read_nifti, "png": read_raster, "jpeg": read_raster}
_INSPECTORS: dict[Kind, _Inspector] = {"nifti": inspect_nifti, "png": inspect_raster, "jpeg": inspect_raster}
_DEFAULT_LIMITS = Limits()


def read_image(parts: Sequence[Buffer], *, limits: Limits = _DEFAULT_LIMITS) -> Image:
    """Decode an upload of one or more files that form one image.

    Args:
        parts: The bytes of each file: DICOM instances of one series, a ZIP of them, NIfTI, PNG or JPEG.

    Raises:
        ImagingError: every failure, as the subclass that says what is wrong.
    """
    upload = sort_upload(parts, parse_dicom, limits=limits)
    if upload.other is not None:
        image = _READERS[upload.other.kind](upload.other.content, limits=limits)
    else:
        image = read_dicom(upload.instances, limits=limits)
    if not upload.passed_over:
        return image
    warning = f"{upload.passed_over} files of the ZIP archive are no part of the image and are passed over"
    return replace(image, warnings=(warning, *image.warnings))


def inspect_image(parts: Sequence[Buffer], *, limits: Limits = _DEFAULT_LIMITS) -> Header:
    """Look at the headers alone, and raise already what `read_image` would where no pixel is needed to know.

    Raises:
        ImagingError: as `read_image`.
    """
    upload = sort_upload(parts, parse_dicom_header, limits=limits)
    if upload.other is not None:
        return _INSPECTORS[upload.other.kind](upload.other.content, limits=limits)
    return inspect_dicom(upload.instances, limits=limits)
