"""One DICOM file: its header parsed, its pixel data found, measured against the header and left undecoded.

Source: PS3.10 7 (file format), PS3.5 7 and A (encodings). Files without preamble or meta information are read
when their first element shows how they are encoded.
"""

import io
import re
import struct
from dataclasses import dataclass, replace
from typing import Literal

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
)

from imaging.dicom_elements import label, number, text, whole_number
from imaging.errors import ImageTooLargeError, NoPixelDataError, UnreadableImageError, UnsupportedImageError
from imaging.foreign_errors import quiet, translated
from imaging.inflate import RAW_DEFLATE, inflate_all
from imaging.kinds import Buffer
from imaging.limits import Limits

PixelKeyword = Literal["FloatPixelData", "DoubleFloatPixelData", "PixelData"]

_PIXEL_KEYWORDS: dict[int, PixelKeyword] = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM_HEADER_BYTES = 8
_MOST_FRAMES = 2**31 - 1  # the largest integer string, PS3.5 6.2
_FIRST_TRY_BYTES = 2**20  # most headers are far shorter, and a prefix spares a copy of the whole file
_DAMAGED = "the DICOM header is damaged or truncated; send the file again"
_DEFAULT_SYNTAXES = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


@dataclass(frozen=True)
class DicomFile:
    """A DICOM instance that holds pixels: `header` ends where they begin, `encoded` are they, as sent."""

    header: Dataset
    transfer_syntax: UID
    keyword: PixelKeyword
    vr: str
    rows: int
    columns: int
    frame_count: int
    samples: int
    bits_allocated: int
    encoded: memoryview
    inflated_bytes: int  # of a deflated data set, which is then held whole; else 0

    @property
    def is_encapsulated(self) -> bool:
        return self.transfer_syntax.is_encapsulated


@dataclass(frozen=True)
class PixelElement:
    """Pixel data as they lie in the file; those of undefined length reach to its end."""

    keyword: PixelKeyword
    vr: str
    length: int
    encoded: memoryview

    @property
    def is_encapsulated(self) -> bool:
        return self.length == _UNDEFINED_LENGTH


@dataclass(frozen=True)
class DicomParts:
    """Any DICOM file, cut where its pixel data begin; `inflated_bytes` as of `DicomFile`."""

    meta: Dataset
    header: Dataset
    transfer_syntax: UID
    is_implicit: bool
    is_little_endian: bool
    inflated_bytes: int
    pixels: PixelElement | None


def parse_dicom(content: Buffer, *, limits: Limits) -> DicomFile:
    """Parse the header and check what can be checked without decoding.

    Raises:
        UnreadableImageError: the header is damaged, or native pixel data are shorter than it asks for.
        NoPixelDataError: there are no pixels.
        UnsupportedImageError: transfer syntax has no decoder here.
        ImageTooLargeError: decoding would exceed `limits`.
    """
    parts = split_dicom(content, limits=limits)
    header, pixels = parts.header, parts.pixels
    if pixels is None and ("Rows" in header):
        raise UnreadableImageError("the file ends before its pixel data; send it again")
    if pixels is None:
        raise NoPixelDataError(f"this DICOM file ({_object_name(header)}) holds no pixel data; send an image")
    syntax = _supported(parts.transfer_syntax, pixels)
    file = DicomFile(
        header=header,
        transfer_syntax=syntax,
        keyword=pixels.keyword,
        vr=pixels.vr,
        rows=_required(header, "Rows"),
        columns=_required(header, "Columns"),
        frame_count=_frame_count(header),
        samples=_samples(header),
        bits_allocated=_bits_allocated(header, pixels.keyword),
        encoded=pixels.encoded,
        inflated_bytes=parts.inflated_bytes,
    )
    _check_size(file, limits=limits)
    if file.transfer_syntax == JPEGExtended12Bit and (whole_number(header, "BitsStored") or 0) > 8:
        raise UnsupportedImageError(
            "JPEG Extended of 12 bits has no decoder here; send it as JPEG Lossless or uncompressed"
        )
    return file


def parse_dicom_header(content: Buffer, *, limits: Limits) -> DicomFile:
    """The same with the same errors, but keeping no byte of the pixel data alive."""
    return replace(parse_dicom(content, limits=limits), encoded=memoryview(b""))


def split_dicom(content: Buffer, *, limits: Limits) -> DicomParts:
    """Parse what is before the pixel data, of an object of any kind.

    Raises:
        UnreadableImageError: the header is damaged or ends too early.
        ImageTooLargeError: a deflated data set would exceed `limits`.
    """
    content = memoryview(content)
    meta, start = _file_meta(content)
    with translated(_DAMAGED):
        syntax = UID(text(meta, "TransferSyntaxUID") or "") or None
    body, inflated_bytes = content[start:], 0
    if syntax == DeflatedExplicitVRLittleEndian:
        body = memoryview(inflate_all(body, wbits=RAW_DEFLATE, limits=limits))  # PS3.5 A.5
        inflated_bytes = len(body)
    encoding = _encoding(syntax, body)
    for size in (_FIRST_TRY_BYTES, len(body)):
        header, pixels = _read_header(body, size, encoding)
        if pixels is not None or size >= len(body):
            break
    return DicomParts(
        meta,
        header,
        syntax or _DEFAULT_SYNTAXES[encoding],
        *encoding,
        inflated_bytes=inflated_bytes,
        pixels=pixels,
    )


def _file_meta(content: memoryview) -> tuple[Dataset, int]:
    """The group 0002 elements, always explicit little endian (PS3.10 7.1), and where the data set starts."""
    has_preamble = bytes(content[128:132]) == b"DICM"
    start = 132 if has_preamble else 0
    if bytes(content[start : start + 2]) != b"\x02\x00":
        return Dataset(), start
    stream = io.BytesIO(content[start : start + _FIRST_TRY_BYTES])
    with translated(_DAMAGED):
        meta = read_dataset(stream, False, True, stop_when=lambda tag, *_: tag >> 16 != 0x0002)
    if stream.tell() >= len(content) - start and _is_cut(meta, content[start:]):
        raise UnreadableImageError(_DAMAGED)
    return meta, start + stream.tell()


def _encoding(syntax: UID | None, body: memoryview) -> tuple[bool, bool]:
    """Whether the data set is implicit and whether it is little endian; guessed where no syntax is named."""
    if syntax is not None:
        return syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    head = bytes(body[:8]).ljust(8, b"\0")
    is_explicit = head[4:6].isalpha() and head[4:6].isupper()
    # Group 0008 of big endian data reads as 0x0800.
    is_little = not is_explicit or struct.unpack("<H", head[:2])[0] < 0x0100
    return not is_explicit, is_little


def _read_header(
    body: memoryview, size: int, encoding: tuple[bool, bool]
) -> tuple[Dataset, PixelElement | None]:
    stream = io.BytesIO(body[:size])
    found: list[PixelElement] = []

    def is_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
        if (keyword := _PIXEL_KEYWORDS.get(int(tag))) is None:
            return False
        start = stream.tell()
        end = len(body) if length == _UNDEFINED_LENGTH else start + length
        found[:] = [PixelElement(keyword, vr or "OW", length, body[start:end])]
        return True

    with translated(_DAMAGED):
        header = read_dataset(stream, *encoding, stop_when=is_pixel_data)
    if not found and size >= len(body) and _is_cut(header, body):
        raise UnreadableImageError(_DAMAGED)
    return header, found[0] if found else None


def _is_cut(header: Dataset, content: memoryview) -> bool:
    """Whether the bytes end within an element: a cut image must not pass for a report without pixels."""
    last = header.get_item(max(header.keys(), default=BaseTag(0)), keep_deferred=True)
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED_LENGTH:
        return False
    end = last.value_tell + last.length
    return end > len(content) or any(content[end:])


def _supported(syntax: UID | None, pixels: PixelElement) -> UID:
    with quiet():
        try:
            decoder = get_decoder(syntax or "")
        except NotImplementedError:
            raise UnsupportedImageError(
                f"the transfer syntax {_safe_name(syntax)} is not supported; send it uncompressed"
            ) from None
    if decoder.is_native and pixels.is_encapsulated:
        raise UnsupportedImageError(
            f"{label('TransferSyntaxUID')} is missing or wrong for compressed pixel data; correct it"
        )
    if not decoder.is_available:
        raise UnsupportedImageError(
            f"no decoder for the transfer syntax {_safe_name(syntax)} is installed; send it uncompressed"
        )
    return decoder.UID


def _safe_name(syntax: UID | None) -> str:
    """A registered name, or the UID when it is one: a damaged header may hold anything here."""
    if syntax is None or not re.fullmatch(r"[0-9.]{1,64}", syntax):
        return "of this file"
    return f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)


def _object_name(header: Dataset) -> str:
    with quiet():
        uid = UID(text(header, "SOPClassUID") or "")
    return uid.name if uid.name != uid else "of no known SOP class"


def _required(header: Dataset, keyword: str) -> int:
    value = whole_number(header, keyword)
    if value is None or not 1 <= value <= 65535:
        raise UnreadableImageError(f"{label(keyword)} is {value} instead of 1 to 65535; correct the header")
    return value


def _frame_count(header: Dataset) -> int:
    count = whole_number(header, "NumberOfFrames")
    if count is not None and not 0 <= count <= _MOST_FRAMES:
        raise UnreadableImageError(f"{label('NumberOfFrames')} is {count:.10g}; correct the header")
    return count or 1


def _samples(header: Dataset) -> int:
    samples = whole_number(header, "SamplesPerPixel") or 1
    if samples not in (1, 3):
        raise UnsupportedImageError(f"{label('SamplesPerPixel')} is {samples}; only 1 and 3 are supported")
    return samples


def _bits_allocated(header: Dataset, keyword: PixelKeyword) -> int:
    # PS3.3 C.7.6.24 and C.7.6.25 fix these.
    if keyword != "PixelData":
        return 32 if keyword == "FloatPixelData" else 64
    bits = number(header, "BitsAllocated")
    if bits not in (1, 8, 16, 32, 64):
        raise UnsupportedImageError(
            f"{label('BitsAllocated')} is {bits}; only 1, 8, 16, 32 and 64 are supported"
        )
    return int(bits)


def _check_size(file: DicomFile, *, limits: Limits) -> None:
    """Weigh the header's promises against the bytes that came, before anything is allocated."""
    pixels = file.rows * file.columns * file.samples * file.frame_count
    needed = -(-pixels * file.bits_allocated // 8)
    if text(file.header, "PhotometricInterpretation") == "YBR_FULL_422":
        needed = needed * 2 // 3  # two pixels share a chroma pair, PS3.3 C.7.6.3.1.2
    if file.is_encapsulated:
        # Each frame starts an item of its own, PS3.5 A.4.
        if file.frame_count * _ITEM_HEADER_BYTES > len(file.encoded):
            raise UnreadableImageError(
                f"{len(file.encoded):,} bytes of pixel data are too few for {file.frame_count:,} frames;"
                " send the file again"
            )
        budget = limits.expanded_bytes(len(file.encoded))
    else:
        if needed > len(file.encoded):
            raise UnreadableImageError(
                f"the pixel data are truncated: {len(file.encoded):,} of {needed:,} bytes arrived;"
                " send the file again"
            )
        budget = limits.max_decoded_bytes
    float_bytes = 4 * file.rows * file.columns * file.frame_count
    if max(float_bytes, needed) > budget or file.frame_count > limits.max_slices:
        raise ImageTooLargeError(
            f"the image asks for {file.frame_count:,} frames and {float_bytes:,} bytes, more than"
            f" {limits.max_slices:,} and {budget:,}; send fewer or smaller frames"
        )
