"""DICOM pixel data that a decoder or a palette would pay dearly for."""

import io
import struct

import numpy as np
from PIL import Image as PillowImage

from imaging.errors import ImageTooLargeError, UnreadableImageError
from tests.hostile.hostile_file import HostileFile, harmless, refused
from tests.hostile.raw_dicom import (
    JPEG,
    JPEG_2000,
    JPEG_LS,
    RLE,
    UNDEFINED,
    Odd,
    dicom,
    encapsulated,
    item,
    us,
)

BYTES: dict[str, bytes | Odd | None] = {"BitsAllocated": us(8), "BitsStored": us(8), "HighBit": us(7)}
RLE_ROW = struct.pack("<16I", 1, 64, *[0] * 14)
PIXELS = np.arange(16, dtype=np.uint8).reshape(4, 4)


def pixel_files() -> dict[str, HostileFile]:
    return {**_codestreams(), **_fragments(), **_palettes()}


def _codestreams() -> dict[str, HostileFile]:
    jpeg, j2k = _packed("JPEG"), _packed("JPEG2000", no_jp2=True)
    return {
        "JPEG 2000 of 4 billion columns": refused(UnreadableImageError, _j2k(_sized(j2k, 2**32 - 1))),
        "JPEG 2000 with its origin behind its end": refused(
            UnreadableImageError, _j2k(j2k[:16] + struct.pack(">2I", 9, 9) + j2k[24:])
        ),
        "JPEG 2000 of tiles of no size": refused(
            UnreadableImageError, _j2k(j2k[:24] + struct.pack(">2I", 0, 0) + j2k[32:])
        ),
        "JPEG 2000 of 16,384 components": refused(
            UnreadableImageError, _j2k(j2k[:40] + struct.pack(">H", 16384) + j2k[42:])
        ),
        "JPEG 2000 in a box that says another size": refused(
            UnreadableImageError, _j2k(b"\0\0\0\x0cjP  \r\n\x87\n" + _sized(j2k, 60000))
        ),
        "JPEG 2000 that makes GDCM end its process": refused(
            UnreadableImageError,
            _j2k(b"\xff\x4f\xff\x51\0\x29" + struct.pack(">H8I2H", 0, 4, 4, 0, 0, 0, 0, 0, 3, 0x0155, 0x5302)
                 + bytes(20)),
        ),
        "JPEG 2000 cut in half": refused(UnreadableImageError, _j2k(j2k[: len(j2k) // 2])),
        "JPEG of 65,535 by 65,535": refused(
            UnreadableImageError, dicom(syntax=JPEG, PixelData=encapsulated(_jpeg_sized(jpeg)), **BYTES)
        ),
        "JPEG and header both of 65,535 by 65,535": refused(
            ImageTooLargeError,
            dicom(syntax=JPEG, Rows=us(65535), Columns=us(65535),
                  PixelData=encapsulated(_jpeg_sized(jpeg)), **BYTES),
        ),
        "JPEG without its end": refused(
            UnreadableImageError, dicom(syntax=JPEG, PixelData=encapsulated(jpeg[:-2]), **BYTES)
        ),
        "JPEG-LS of nothing but its start": refused(
            UnreadableImageError, dicom(syntax=JPEG_LS, PixelData=encapsulated(b"\xff\xd8\xff\xd9"), **BYTES)
        ),
        "a PNG in a JPEG's place": refused(
            UnreadableImageError, dicom(syntax=JPEG, PixelData=encapsulated(_packed("PNG")), **BYTES)
        ),
    }  # fmt: skip


def _fragments() -> dict[str, HostileFile]:
    row = RLE_ROW + bytes([15]) + bytes(16)
    far = struct.pack("<Q", 2**40)
    return {
        "RLE that points behind its end": refused(
            UnreadableImageError, _rle(struct.pack("<16I", 1, 2**31, *[0] * 14) + bytes(16))
        ),
        "RLE of 15 segments at one place": refused(
            UnreadableImageError, _rle(struct.pack("<16I", 15, *[64] * 15) + bytes(16))
        ),
        "RLE of 4 billion segments": refused(UnreadableImageError, _rle(b"\xff" * 64 + bytes(16))),
        "RLE that ends early": refused(UnreadableImageError, _rle(RLE_ROW + b"\x00\x01")),
        "RLE that never ends": harmless(_rle(row + b"\x81\0" * 50_000)),
        "a fragment of 4 GB": harmless(
            dicom(syntax=RLE, PixelData=Odd(item() + item(row, 2**32 - 2), b"OB", UNDEFINED), **BYTES),
        ),
        "100,000 empty fragments": refused(
            UnreadableImageError, dicom(syntax=RLE, PixelData=encapsulated(*[b""] * 100_000), **BYTES)
        ),
        "offsets that point elsewhere": refused(
            UnreadableImageError,
            dicom(syntax=RLE, NumberOfFrames=b"2", **BYTES,
                  PixelData=encapsulated(row, row, offsets=struct.pack("<2I", 0, 2**31))),
        ),
        "far offsets in the extended table": refused(
            UnreadableImageError,
            dicom(syntax=RLE, PixelData=encapsulated(row), ExtendedOffsetTable=Odd(far, b"OV"),
                  ExtendedOffsetTableLengths=Odd(far, b"OV"), **BYTES),
        ),
        "frames without fragments": refused(
            UnreadableImageError,
            dicom(syntax=RLE, NumberOfFrames=b"20000", PixelData=encapsulated(row), **BYTES),
        ),
        "compressed pixels called native": refused(
            UnreadableImageError, dicom(syntax=RLE, PixelData=Odd(row, b"OB"), **BYTES)
        ),
    }  # fmt: skip


def _palettes() -> dict[str, HostileFile]:
    start = us(0, 1, 7)  # a discrete segment of one entry
    linear = start + us(1, 65535, 9) * 30_000
    nested = start + us(2, 65535, 0, 0) * 2_000  # indirect segments that point at themselves
    lengths = us(1, 65535, 8) * 2
    return {
        "a palette that grows to 2 billion entries": refused(UnreadableImageError, _palette(linear)),
        "a palette that copies itself": refused(UnreadableImageError, _palette(nested)),
        "a palette that ends in mid-segment": refused(UnreadableImageError, _palette(start + lengths[:4])),
        "a palette of no entries": refused(UnreadableImageError, _palette(b"")),
        "a palette shorter than it says": refused(
            UnreadableImageError,
            dicom(PhotometricInterpretation=b"PALETTE COLOR", **BYTES, PixelData=Odd(bytes(16), b"OB"),
                  **{f"{name}PaletteColorLookupTableDescriptor": us(0, 0, 16)
                     for name in ("Red", "Green", "Blue")},
                  **{f"{name}PaletteColorLookupTableData": Odd(us(1, 2), b"OW")
                     for name in ("Red", "Green", "Blue")}),
        ),
    }  # fmt: skip


def _palette(segments: bytes) -> bytes:
    names = ("Red", "Green", "Blue")
    return dicom(
        PhotometricInterpretation=b"PALETTE COLOR ",
        PixelData=Odd(bytes(16), b"OB"),
        **BYTES,
        **{f"{name}PaletteColorLookupTableDescriptor": us(0, 0, 16) for name in names},
        **{f"Segmented{name}PaletteColorLookupTableData": Odd(segments, b"OW") for name in names},
    )


def _rle(frame: bytes) -> bytes:
    return dicom(syntax=RLE, PixelData=encapsulated(frame), **BYTES)


def _j2k(codestream: bytes) -> bytes:
    return dicom(syntax=JPEG_2000, PixelData=encapsulated(codestream), **BYTES)


def _sized(codestream: bytes, columns: int) -> bytes:
    return codestream[:8] + struct.pack(">I", columns) + codestream[12:]


def _jpeg_sized(jpeg: bytes) -> bytes:
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + b"\xff\xff\xff\xff" + jpeg[place + 4 :]


def _packed(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()
