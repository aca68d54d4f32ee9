"""PNG and JPEG files that unpack to more than they are, and pictures of types that nobody asked for."""

import io
import struct
import zlib

import numpy as np
from PIL import Image as PillowImage

from imaging.errors import (
    ImageTooLargeError,
    InconsistentSeriesError,
    UnreadableImageError,
    UnsupportedImageError,
)
from tests.hostile.hostile_file import HostileFile, harmless, refused

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY = 0
RGB = 2


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(
    columns: int = 4, rows: int = 4, *, content: bytes | None = None, more: bytes = b"", colour: int = GREY
) -> bytes:
    """An 8-bit picture of zeros; `more` lies before its pixels."""
    head = chunk(b"IHDR", struct.pack(">2I5B", columns, rows, 8, colour, 0, 0, 0))
    pixels = zlib.compress(bytes((columns + 1) * rows) if content is None else content, 9)
    return SIGNATURE + head + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture_files() -> dict[str, HostileFile]:
    return {**_png_files(), **_jpeg_files(), **_other_files()}


def _png_files() -> dict[str, HostileFile]:
    text_bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(90 * 2**20), 9))
    profile_bomb = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(90 * 2**20), 9))
    return {
        "PNG of 2 billion columns": refused(ImageTooLargeError, png(2**31 - 1, 2**31 - 1, content=b"")),
        "PNG of 30,000 by 30,000": refused(ImageTooLargeError, png(30_000, 30_000, content=bytes(10**6))),
        "PNG of no columns": refused(UnreadableImageError, png(0, 4)),
        "PNG with fewer pixels than it says": refused(UnreadableImageError, png(500, 500, content=bytes(9))),
        "PNG with more pixels than it says": harmless(png(content=bytes(80 * 2**20))),
        "PNG with a text that unpacks to 90 MiB": refused(UnreadableImageError, png(more=text_bomb)),
        "PNG with a profile that unpacks to 90 MiB": refused(UnreadableImageError, png(more=profile_bomb)),
        "PNG with a wrong checksum": refused(UnreadableImageError, png()[:-30] + b"\0" + png()[-29:]),
        "PNG of one row of a million": harmless(png(1_000_000, 1)),
        "PNG with 50,000 empty chunks": harmless(png(more=chunk(b"teSt", b"") * 50_000)),
        "PNG that is a ZIP too": harmless(png() + b"PK\x03\x04" + bytes(50)),
        "PNG without its end": refused(UnreadableImageError, png()[:-12]),
        "PNG's signature alone": refused(UnreadableImageError, SIGNATURE),
    }


def _jpeg_files() -> dict[str, HostileFile]:
    out = io.BytesIO()
    PillowImage.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(out, "JPEG", progressive=True)
    jpeg = out.getvalue()
    size = jpeg.index(b"\xff\xc2") + 5
    scan = jpeg.index(b"\xff\xda")
    last = jpeg.rindex(b"\xff\xda")
    loop = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    exif = b"\xff\xe1" + struct.pack(">H", len(loop) + 2) + loop
    return {
        "JPEG of 65,535 by 65,535": refused(
            ImageTooLargeError, jpeg[:size] + b"\xff\xff\xff\xff" + jpeg[size + 4 :]
        ),
        "JPEG of no rows": refused(UnreadableImageError, jpeg[:size] + bytes(4) + jpeg[size + 4 :]),
        "JPEG of 3,000 scans": harmless(jpeg[:-2] + jpeg[last:-2] * 3000 + jpeg[-2:]),
        "JPEG without a scan": refused(UnreadableImageError, jpeg[:scan]),
        "JPEG whose EXIF points at itself": harmless(jpeg[:2] + exif + jpeg[2:]),
        "JPEG's start alone": refused(UnreadableImageError, b"\xff\xd8\xff"),
    }


def _other_files() -> dict[str, HostileFile]:
    starts = {
        "TIFF": b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + bytes(500),
        "BMP": b"BM"
        + struct.pack("<3I", 60, 0, 54)
        + struct.pack("<3i", 40, 2**31 - 1, 2**31 - 1)
        + bytes(40),
        "GIF": b"GIF89a\xff\xff\xff\xff" + bytes(50),
        "WebP": b"RIFF\x20\0\0\0WEBPVP8X" + bytes(50),
        "SVG": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>',
        "PDF": b"%PDF-1.7\n" + bytes(50),
        "bzip2": b"BZh91AY&SY" + bytes(50),
        "pickle": b"\x80\x04\x95" + bytes(50),
    }
    files = {f"a {name} file": refused(UnsupportedImageError, content) for name, content in starts.items()}
    return files | {
        "one byte": refused(UnsupportedImageError, b"\0"),
        "two pictures": refused(InconsistentSeriesError, png(), png()),
        "an empty file beside a picture": refused(UnreadableImageError, png(), b""),
    }
