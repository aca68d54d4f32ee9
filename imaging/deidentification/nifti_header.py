"""De-identification of a NIfTI file: texts are cleared, extensions left out, no voxel is touched.

Source: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h: the places of the fields.
"""

import gzip
import struct

from imaging.deidentification.report import Changes
from imaging.inflate import GZIP, inflate_all
from imaging.kinds import Buffer, detect_kind
from imaging.limits import Limits
from imaging.nifti import inspect_nifti, voxel_bytes

# Byte ranges of the header.
_NIFTI_1_TEXTS = {
    "data_type": (4, 14),
    "db_name": (14, 32),
    "extents": (32, 36),
    "session_error": (36, 38),
    "regular": (38, 39),
    "descrip": (148, 228),
    "aux_file": (228, 252),
    "intent_name": (328, 344),
}
_NIFTI_2_TEXTS = {
    "descrip": (240, 320),
    "aux_file": (320, 344),
    "intent_name": (508, 524),
    "unused_str": (525, 540),
}
_NIFTI_1_SIZE, _NIFTI_2_SIZE = 348, 540


def deidentify_nifti(content: Buffer, *, changes: Changes, limits: Limits) -> bytes:
    """Packed as the source was, without a name or time in the packing.

    Raises:
        UnreadableImageError: The header is damaged, or there are fewer bytes than it asks for.
        UnsupportedImageError: The voxels are no picture.
        ImageTooLargeError: It unpacks to more than `limits` allow.
    """
    inspect_nifti(content, limits=limits)
    is_packed = detect_kind(content) == "gzip"
    plain = inflate_all(content, wbits=GZIP, limits=limits) if is_packed else content
    voxels = voxel_bytes(plain, limits=limits)
    order = "<" if int.from_bytes(plain[:4], "little") in (_NIFTI_1_SIZE, _NIFTI_2_SIZE) else ">"
    size = struct.unpack_from(f"{order}i", plain)[0]
    header = bytearray(plain[:size])
    for name, (start, end) in (_NIFTI_1_TEXTS if size == _NIFTI_1_SIZE else _NIFTI_2_TEXTS).items():
        if any(header[start:end]):
            header[start:end] = bytes(end - start)
            changes.note("", name, "emptied")
    if bytes(plain[size : size + 1]) not in (b"", b"\0") and voxels.start > size + 4:
        changes.note("", "extension", "removed")
    _place_voxels(header, size + 4, order)
    changes.files += 1
    out = bytes(header) + bytes(4) + bytes(memoryview(plain)[voxels.start : voxels.stop])
    return gzip.compress(out, compresslevel=1, mtime=0) if is_packed else out


def _place_voxels(header: bytearray, start: int, order: str) -> None:
    """`vox_offset`, a float in NIfTI-1 and an integer in NIfTI-2."""
    if len(header) == _NIFTI_1_SIZE:
        struct.pack_into(f"{order}f", header, 108, start)
    else:
        struct.pack_into(f"{order}q", header, 168, start)
