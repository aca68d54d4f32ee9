"""DICOM files byte by byte, so that they can say what no library would write."""

import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR, tag_for_keyword

EXPLICIT = b"1.2.840.10008.1.2.1"
DEFLATED = b"1.2.840.10008.1.2.1.99"
RLE = b"1.2.840.10008.1.2.5"
JPEG = b"1.2.840.10008.1.2.4.50"
JPEG_LS = b"1.2.840.10008.1.2.4.80"
JPEG_2000 = b"1.2.840.10008.1.2.4.90"

UNDEFINED = 0xFFFFFFFF
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT")  # PS3.5 7.1.2


@dataclass(frozen=True)
class Odd:
    """A value that lies about its VR or its length."""

    value: bytes
    vr: bytes | None = None
    length: int | None = None


def us(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)


def element(keyword: str, content: bytes | Odd) -> bytes:
    odd = content if isinstance(content, Odd) else Odd(content)
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return tagged(tag, odd.vr or dictionary_VR(tag)[:2].encode(), odd.value, odd.length)


def tagged(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """One explicit little endian element; `length` may lie."""
    value += b"\0" * (len(value) % 2)
    size = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    return head + (struct.pack("<HI", 0, size) if vr in _LONG else struct.pack("<H", size)) + value


def item(content: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content) if length is None else length) + content


ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def meta(syntax: bytes) -> bytes:
    body = tagged(0x00020002, b"UI", b"1.2.840.10008.5.1.4.1.1.2") + tagged(0x00020010, b"UI", syntax)
    return tagged(0x00020000, b"UL", struct.pack("<I", len(body))) + body


BASE: dict[str, bytes | Odd] = {
    "SOPClassUID": b"1.2.840.10008.5.1.4.1.1.2",
    "SOPInstanceUID": b"1.2.3.4",
    "Modality": b"CT",
    "PatientName": b"SECRET^PATIENT",
    "SeriesInstanceUID": b"1.2.3",
    "SamplesPerPixel": us(1),
    "PhotometricInterpretation": b"MONOCHROME2 ",
    "Rows": us(4),
    "Columns": us(4),
    "BitsAllocated": us(16),
    "BitsStored": us(16),
    "HighBit": us(15),
    "PixelRepresentation": us(0),
    "PixelData": Odd(us(*range(16)), b"OW"),
}


def dataset(*, more: bytes = b"", **elements: bytes | Odd | None) -> bytes:
    """A CT slice of 4 by 4 with some elements changed or, for None, left out; `more` follows them."""
    chosen = {name: content for name, content in {**BASE, **elements}.items() if content is not None}
    ordered = sorted(chosen, key=lambda name: tag_for_keyword(name) or 0)
    return b"".join(element(name, chosen[name]) for name in ordered) + more


def dicom(
    *,
    syntax: bytes = EXPLICIT,
    preamble: bytes = bytes(128),
    more: bytes = b"",
    **elements: bytes | Odd | None,
) -> bytes:
    return preamble + b"DICM" + meta(syntax) + dataset(more=more, **elements)


def encapsulated(*fragments: bytes, offsets: bytes = b"") -> Odd:
    """Compressed pixel data (PS3.5 A.4)."""
    content = item(offsets) + b"".join(item(fragment + b"\0" * (len(fragment) % 2)) for fragment in fragments)
    return Odd(content + SEQUENCE_END, b"OB", UNDEFINED)
