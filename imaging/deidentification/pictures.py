"""De-identification of PNG and JPEG files: what is no picture is left out, coded pixels stay.

Source: PNG (W3C, third edition) 5 and 11; JPEG (ITU-T T.81) B; JFIF 1.02 (its thumbnail goes too); Exif 2.32
for the one thing that is kept of it, the way a picture is turned.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from imaging.deidentification.report import Changes
from imaging.errors import UnreadableImageError
from imaging.kinds import Buffer
from imaging.limits import Limits
from imaging.raster import inspect_raster, turn_of

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    (
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"sBIT",
        b"iCCP",
        b"pHYs",
        b"bKGD",
    )
)
_PNG_DAMAGED = "the PNG file is damaged or truncated; send it again"
_JPEG_DAMAGED = "the JPEG file is damaged or truncated; send it again"
_SOI, _EOI, _SOS, _APP0, _APP2, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE2, 0xEE, 0xFE
_SEGMENTS_OF_PICTURE = frozenset(range(0xC0, 0xD0)) | {0xDB, 0xDC, 0xDD, 0xDE, _SOS} - {0xC8}
_MARKER = re.compile(
    rb"\xff[^\x00\xd0-\xd7\xff]"
)  # in coded pixels: neither stuffed, nor a restart, nor a fill


def deidentify_png(content: Buffer, *, changes: Changes, limits: Limits) -> bytes:
    """Texts, times, Exif and private chunks go, and so does what follows the end.

    Raises:
        ImagingError: As `read_raster`.
    """
    inspect_raster(content, limits=limits)
    turn = turn_of(content, limits=limits)
    out = [_PNG_SIGNATURE]
    for kind, chunk in _chunks(memoryview(content)):
        if kind in _PNG_KEPT:
            out.append(chunk)
        else:
            changes.note("", kind.decode("latin-1"), "removed")
        if kind == b"IHDR" and turn != 1:
            out.append(_chunk(b"eXIf", _exif(turn)))
    changes.files += 1
    return b"".join(out)


def deidentify_jpeg(content: Buffer, *, changes: Changes, limits: Limits) -> bytes:
    """Exif, XMP, comments, thumbnails and all other applications' data go, and so does what follows the end.

    Raises:
        ImagingError: As `read_raster`.
    """
    inspect_raster(content, limits=limits)
    turn = turn_of(content, limits=limits)
    out = [b"\xff\xd8"]
    for marker, segment in _segments(bytes(content)):
        if (kept := _kept(marker, segment)) is None:
            changes.note("", f"APP{marker - _APP0}" if marker & 0xF0 == _APP0 else "COM", "removed")
        else:
            out.append(kept)
    if turn != 1:
        exif = b"Exif\0\0" + _exif(turn)
        # Behind JFIF, which has to be the first.
        out.insert(1 + (out[1][1] == _APP0), b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    changes.files += 1
    return b"".join(out)


def _chunks(content: memoryview) -> Iterator[tuple[bytes, bytes]]:
    position, kind = len(_PNG_SIGNATURE), b""
    while kind != b"IEND":
        if position + 12 > len(content):
            raise UnreadableImageError(_PNG_DAMAGED)
        end = position + 12 + struct.unpack_from(">I", content, position)[0]
        kind = bytes(content[position + 4 : position + 8])
        if end > len(content) or not kind.isalpha():
            raise UnreadableImageError(_PNG_DAMAGED)
        yield kind, bytes(content[position:end])
        position = end


def _chunk(kind: bytes, value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + kind + value + struct.pack(">I", zlib.crc32(kind + value))


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with its segment; that of a scan has the coded pixels too."""
    position, marker = 2, _SOI
    while marker != _EOI:
        while content[position : position + 2] == b"\xff\xff":  # fill bytes, T.81 B.1.1.2
            position += 1
        if position + 2 > len(content) or content[position] != 0xFF:
            raise UnreadableImageError(_JPEG_DAMAGED)
        marker = content[position + 1]
        end = position + 2
        if marker != _EOI:
            if position + 4 > len(content):
                raise UnreadableImageError(_JPEG_DAMAGED)
            end += struct.unpack_from(">H", content, position + 2)[0]
        if marker == _SOS:
            found = _MARKER.search(content, end)
            end = found.start() if found else len(content) + 1
        if end > len(content) or end <= position + 1:
            raise UnreadableImageError(_JPEG_DAMAGED)
        yield marker, content[position:end]
        position = end


def _kept(marker: int, segment: bytes) -> bytes | None:
    if marker == _EOI or marker in _SEGMENTS_OF_PICTURE:
        return segment
    payload = segment[4:]
    if marker == _APP0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
        return segment[:2] + struct.pack(">H", 16) + payload[:12] + b"\0\0"  # a thumbnail of 0 by 0
    is_colour = (marker == _APP14 and payload.startswith(b"Adobe")) or (
        marker == _APP2 and payload.startswith(b"ICC_PROFILE\0")
    )
    return segment if is_colour else None


def _exif(turn: int) -> bytes:
    """A TIFF with the one tag Orientation."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)
