"""What kind of file some bytes are, told by their content alone: a name is the sender's to choose."""

import mmap
import struct
from typing import Literal

Buffer = bytes | bytearray | memoryview | mmap.mmap
Kind = Literal["dicom", "zip", "gzip", "nifti", "nifti-pair", "png", "jpeg", "unknown"]

_PREFIXES: dict[bytes, Kind] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
}
_NIFTI_1_SIZE = 348
_NIFTI_2_SIZE = 540
_NIFTI_MAGICS: dict[tuple[int, bytes], Kind] = {
    (_NIFTI_1_SIZE, b"n+1\0"): "nifti",
    (_NIFTI_1_SIZE, b"ni1\0"): "nifti-pair",
    (_NIFTI_2_SIZE, b"n+2\0"): "nifti",
    (_NIFTI_2_SIZE, b"ni2\0"): "nifti-pair",
}
_FIRST_GROUPS = (0x0002, 0x0008)


def detect_kind(content: Buffer) -> Kind:
    """Name the kind; `DICM` decides first, for the preamble before it may look like anything (PS3.10 7.1)."""
    head = bytes(memoryview(content)[:1024])
    if head[128:132] == b"DICM":
        return "dicom"
    for prefix, kind in _PREFIXES.items():
        if head.startswith(prefix):
            return kind
    return _nifti_kind(head) or ("dicom" if _is_bare_dataset(head) else "unknown")


def _nifti_kind(head: bytes) -> Kind | None:
    for order in "<>":
        size = struct.unpack_from(f"{order}i", head)[0] if len(head) >= 4 else 0
        magic = head[344:348] if size == _NIFTI_1_SIZE else head[4:8]
        if (kind := _NIFTI_MAGICS.get((size, magic))) is not None:
            return kind
    return None


def _is_bare_dataset(head: bytes) -> bool:
    """A data set without preamble starts with a low element of group 0002 or 0008 of a plausible length."""
    if len(head) < 16:
        return False
    return any(_starts_dataset(head, order) for order in "<>")


def _starts_dataset(head: bytes, order: str) -> bool:
    group, element = struct.unpack_from(f"{order}HH", head)
    if group not in _FIRST_GROUPS or element > 0x0100:
        return False
    is_explicit = head[4:6].isalpha() and head[4:6].isupper()
    return is_explicit or bool(struct.unpack_from(f"{order}I", head, 4)[0] <= 0x0400)
