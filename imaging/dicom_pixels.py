"""Encoded DICOM pixel data to stored values, frame by frame.

Source: PS3.5 8 and A.4; decoding is pydicom's, with its plug-ins.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from imaging.codestream import codestream_size, is_whole
from imaging.dicom_elements import label, text, whole_number
from imaging.dicom_file import DicomFile
from imaging.errors import UnreadableImageError
from imaging.foreign_errors import translated
from imaging.kinds import Buffer

# pydicom tries every plug-in in turn, GDCM first, which was seen to end the process over JPEG 2000.
_PLUGINS = {
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
}
_DAMAGED = "the pixel data are damaged or truncated; send the file again"


def stored_frames(file: DicomFile, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the stored values of some frames, `(H, W)`, or RGB `(H, W, 3)` for colour (YBR is converted).

    Args:
        indices: Frames counted from 0, in rising order.

    Raises:
        UnreadableImageError: the data do not decode to what the header says.
    """
    options = _options(file)
    source = bytes(file.encoded) if file.is_encapsulated else file.encoded
    if file.is_encapsulated:
        _check_codestreams(file, source, options)
    with translated(_DAMAGED):
        decoder, plugin = get_decoder(file.transfer_syntax), _PLUGINS.get(file.transfer_syntax, "")
        frames = decoder.iter_array(source, indices=list(indices), decoding_plugin=plugin, **options)
    for _ in indices:
        with translated(_DAMAGED):
            stored, _ = next(frames)
        if stored.shape[:2] != (file.rows, file.columns):
            raise UnreadableImageError(_DAMAGED)
        yield stored


def stored_range(file: DicomFile) -> tuple[int, int]:
    """The lowest and highest value that Bits Stored and Pixel Representation allow (PS3.5 8.1.1)."""
    bits = whole_number(file.header, "BitsStored") or file.bits_allocated
    if is_signed(file):
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1


def is_signed(file: DicomFile) -> bool:
    return whole_number(file.header, "PixelRepresentation") == 1


def _options(file: DicomFile) -> dict[str, Any]:
    """What pydicom's decoders must be told, from elements that were checked."""
    header = file.header
    options: dict[str, Any] = {
        "rows": file.rows,
        "columns": file.columns,
        "number_of_frames": file.frame_count,
        "samples_per_pixel": file.samples,
        "bits_allocated": file.bits_allocated,
        "photometric_interpretation": text(header, "PhotometricInterpretation") or "MONOCHROME2",
        "pixel_keyword": file.keyword,
        "pixel_vr": file.vr,
        "allow_excess_frames": False,
    }
    if file.keyword == "PixelData":
        bits_stored = whole_number(header, "BitsStored") or file.bits_allocated
        if not 1 <= bits_stored <= file.bits_allocated:
            raise UnreadableImageError(
                f"{label('BitsStored')} is {bits_stored}, {label('BitsAllocated')} {file.bits_allocated};"
                " correct the header"
            )
        options |= {"bits_stored": bits_stored, "pixel_representation": int(is_signed(file))}
    if file.samples > 1:
        options["planar_configuration"] = whole_number(header, "PlanarConfiguration") or 0
    if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header:
        with translated(_DAMAGED):
            options["extended_offsets"] = (header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths)
    return options


def _check_codestreams(file: DicomFile, source: Buffer, options: dict[str, Any]) -> None:
    """Refuse a frame whose own size is not the header's: its decoder would allocate by its own."""
    with translated(_DAMAGED):
        frames = generate_frames(
            bytes(source), number_of_frames=file.frame_count, extended_offsets=options.get("extended_offsets")
        )
        checks = {(codestream_size(frame), is_whole(frame)) for frame in frames}
    if not all(whole for _, whole in checks):
        raise UnreadableImageError(_DAMAGED)
    sizes = {size for size, _ in checks} - {None}
    if sizes - {(file.rows, file.columns)}:
        raise UnreadableImageError(
            f"the compressed frames are not of the {file.rows} by {file.columns} pixels that the header says;"
            " send the file again"
        )
