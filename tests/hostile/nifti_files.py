"""NIfTI files whose header promises what the bytes do not hold, or what no computer could."""

import gzip
import struct

import numpy as np

from imaging.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from tests.hostile.hostile_file import HostileFile, harmless, refused

HEADER_BYTES = 352
NAN, INFINITY = float("nan"), float("inf")
# Offsets in the header of NIfTI-1 (nifti1.h).
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, SLOPE, SFORM_CODE, SROW = 40, 70, 72, 76, 108, 112, 254, 280


def nifti(
    shape: tuple[int, ...] = (4, 4, 2),
    *,
    content: bytes | None = None,
    datatype: int = 16,
    spacing: tuple[float, ...] = (1, 1, 1),
    **fields: bytes,
) -> bytes:
    """A volume of zeros, float32 unless `datatype` says otherwise; fields are bytes `at_OFFSET`."""
    header = bytearray(HEADER_BYTES)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, DIM, len(shape), *(*shape, 1, 1, 1, 1, 1, 1, 1)[:7])
    struct.pack_into("<2h", header, DATATYPE, datatype, 32)
    struct.pack_into("<4f", header, PIXDIM, 1, *spacing)
    struct.pack_into("<f", header, VOX_OFFSET, HEADER_BYTES)
    header[344:348] = b"n+1\0"
    for name, value in fields.items():
        place = int(name.removeprefix("at_"))
        header[place : place + len(value)] = value
    return bytes(header) + (np.ones(shape, "<f4").tobytes() if content is None else content)


def nifti_files() -> dict[str, HostileFile]:
    return {**_sizes(), **_numbers(), **_packed()}


def _sizes() -> dict[str, HostileFile]:
    dims = {
        "8 dimensions": struct.pack("<8h", 8, *[1] * 7),
        "no dimensions": struct.pack("<8h", 0, *[1] * 7),
        "negative dimensions": struct.pack("<8h", 3, -4, 4, 2, 1, 1, 1, 1),
        "a side of 0": struct.pack("<8h", 3, 4, 0, 2, 1, 1, 1, 1),
    }
    files = {name: refused(UnreadableImageError, nifti(at_40=value)) for name, value in dims.items()}
    return files | {
        "377 bytes that ask for 18 GB": refused(
            ImageTooLargeError, nifti((2000, 3000, 1500), content=bytes(25))
        ),
        "seven sides of 32,767": refused(ImageTooLargeError, nifti((32767,) * 7, content=bytes(25))),
        "more volumes than bytes": refused(
            UnreadableImageError, nifti((4, 4, 2, 32767), content=bytes(4 * 4 * 2 * 4))
        ),
        "NIfTI-2 of sides of 2^62": refused(UnreadableImageError, _nifti_2((2**62, 2**62, 2**62))),
        "NIfTI-2 of a negative side": refused(UnreadableImageError, _nifti_2((4, -(2**63), 2))),
        "200,000 slices of four voxels": refused(ImageTooLargeError, nifti_2_of_slices(200_000)),
        "one row of a million voxels": harmless(_nifti_2((1_000_000, 1, 1), bytes(4_000_000))),
        "a header alone": refused(UnreadableImageError, nifti(content=b"")),
        "a header without its last bytes": refused(UnreadableImageError, _nifti_2((4, 4, 2))[:400]),
        "half a header": refused(UnsupportedImageError, nifti()[:300]),
        "a file of half a pair": refused(UnsupportedImageError, nifti(at_344=b"ni1\0")),
    }


def _numbers() -> dict[str, HostileFile]:
    flat = struct.pack("<12f", *[0.0] * 12)
    code = struct.pack("<h", 1)
    files = {
        f"an affine of {name}": refused(
            UnreadableImageError, nifti(at_254=code, at_280=struct.pack("<12f", *[number] * 12))
        )
        for name, number in (("NaN", NAN), ("infinity", INFINITY), ("ones", 1.0), ("1e38", 1e38))
    }
    files |= {
        f"a start of {name}": refused(UnreadableImageError, nifti(at_108=struct.pack("<f", start)))
        for name, start in (("NaN", NAN), ("infinity", INFINITY), ("-5", -5.0), ("0", 0.0))
    }
    files |= {
        f"datatype {number}": refused(UnsupportedImageError, nifti(datatype=number, content=bytes(5000)))
        for number in (32, 1536, 1792, 2048)
    }
    return files | {
        "a start of 1e30": refused(ImageTooLargeError, nifti(at_108=struct.pack("<f", 1e30))),
        "a flat affine": refused(UnreadableImageError, nifti(at_254=code, at_280=flat)),
        "spacing of 1e-30": refused(UnreadableImageError, nifti(spacing=(1e-30, 1e-30, 1e-30))),
        "spacing of 1e30": refused(UnreadableImageError, nifti(spacing=(1e30, 1.0, 1.0))),
        "spacing of NaN": refused(UnreadableImageError, nifti(spacing=(NAN, NAN, NAN))),
        "slope of infinity": harmless(nifti(at_112=struct.pack("<2f", INFINITY, 0))),
        "slope of NaN": harmless(nifti(at_112=struct.pack("<2f", NAN, NAN))),
        "slope beyond float32": harmless(nifti(at_112=struct.pack("<2f", 3e38, -3e38))),
        "values of 3e38": harmless(nifti(content=np.linspace(-3e38, 3e38, 32, dtype="<f4").tobytes())),
        "voxels of NaN alone": refused(
            UnreadableImageError, nifti(content=np.full(32, NAN, "<f4").tobytes())
        ),
        "voxels of NaN and infinity": harmless(
            nifti(content=np.array([NAN, INFINITY, -INFINITY, 1] * 8, "<f4").tobytes())
        ),
        "an unknown datatype": refused(UnreadableImageError, nifti(datatype=9999)),
        "bytes of another order": refused(UnsupportedImageError, nifti(at_0=b"\0\1\0\1")),
    }


def _packed() -> dict[str, HostileFile]:
    whole = gzip.compress(nifti(), mtime=0)
    bomb = gzip.compress(nifti((1000, 1000, 100), content=bytes(1)), mtime=0)
    return {
        "a gzip bomb behind a small header": harmless(gzip.compress(nifti() + bytes(100 * 2**20), mtime=0)),
        "a gzip bomb that its header asks for": refused(ImageTooLargeError, bomb),
        "gzip within gzip": refused(UnsupportedImageError, gzip.compress(whole)),
        "gzip of a million slices": refused(
            ImageTooLargeError, gzip.compress(nifti_2_of_slices(1_000_000), mtime=0)
        ),
        "gzip cut in half": refused(UnsupportedImageError, whole[: len(whole) // 2]),
        "gzip cut within its voxels": refused(UnreadableImageError, gzip.compress(nifti()[:400])),
        "gzip of noise": refused(UnreadableImageError, whole[:10] + b"\xff" * 500),
        "gzip with noise behind it": harmless(whole + b"\xff" * 500),
        "a gzip name of 60,000 bytes": harmless(
            b"\x1f\x8b\x08\x08" + bytes(6) + b"../" * 20_000 + b"\0" + whole[10:]
        ),
    }


def nifti_2_of_slices(count: int) -> bytes:
    return _nifti_2((2, 2, count), bytes(16 * count))


def _nifti_2(shape: tuple[int, int, int], content: bytes = b"") -> bytes:
    header = bytearray(544)
    struct.pack_into("<i8s2h", header, 0, 540, b"n+2\0\r\n\x1a\n", 16, 32)
    struct.pack_into("<8q", header, 16, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<4d", header, 104, 1, 1, 1, 1)
    struct.pack_into("<q", header, 168, 544)
    return bytes(header) + content
