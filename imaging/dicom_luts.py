"""Lookup tables and windows as DICOM headers write them.

Source: PS3.3 C.11.1.1.1 (Modality LUT), C.11.2.1 (VOI LUT and window), C.7.6.16.2.10 (per frame).
"""

from typing import Literal, TypeGuard, get_args

import numpy as np
from pydicom.dataset import Dataset

from imaging.dicom_elements import items, label, number, numbers, text
from imaging.dicom_frames import Frame, group_macro
from imaging.dicom_pixels import is_signed
from imaging.errors import UnreadableImageError
from imaging.foreign_errors import translated
from imaging.image import LookupTable, Window
from imaging.voi import is_valid

Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
_FUNCTIONS: tuple[Function, ...] = get_args(Function)


def read_table(frame: Frame, sequence: str) -> tuple[int, np.ndarray, int] | None:
    """The first table of `sequence`: the input its first entry is for, its entries, and their bits."""
    if not (tables := items(frame.file.header, sequence)):
        return None
    descriptor = numbers(tables[0], "LUTDescriptor", count=3)
    if descriptor is None:
        raise UnreadableImageError(f"{label('LUTDescriptor')} is missing; correct the header")
    # 0 stands for 65,536 entries, and a count read as signed wraps (C.11.1.1).
    count = int(descriptor[0]) % 65536 or 65536
    first, bits = int(descriptor[1]), int(descriptor[2])
    if is_signed(frame.file) and first > 32767:
        first -= 65536
    entries = _entries(tables[0], frame, count)
    if len(entries) < count or not 1 <= bits <= 16:
        raise UnreadableImageError(
            f"{label('LUTData')} has {len(entries)} of {count} entries of {bits} bits; correct the header"
        )
    return first, entries[:count], bits


def _entries(table: Dataset, frame: Frame, count: int) -> np.ndarray:
    with translated(f"{label('LUTData')} cannot be read; correct the header and send the file again"):
        value = table["LUTData"].value
        if not isinstance(value, bytes | bytearray):
            return np.atleast_1d(np.asarray(value, np.int64)) % 65536
        # Entries of 8 bits may be packed two to a word (C.11.1.1.1).
        order = "<" if frame.file.transfer_syntax.is_little_endian else ">"
        return np.frombuffer(value, "u1" if len(value) < 2 * count else f"{order}u2").astype(np.int64)


def read_voi(frame: Frame) -> tuple[Window | LookupTable | None, str | None]:
    """A frame's first VOI, a table before a window, and a warning where it has a window of no valid width."""
    if (table := read_table(frame, "VOILUTSequence")) is not None:
        first, entries, bits = table
        return LookupTable(float(first), (entries / (2**bits - 1)).clip(0, 1).astype(np.float32)), None
    macro = group_macro(frame.file, frame.index, "FrameVOILUTSequence")
    center, width = number(macro, "WindowCenter"), number(macro, "WindowWidth")
    if center is None or width is None:
        return None, None
    function = (text(macro, "VOILUTFunction") or "LINEAR").upper()
    if not _is_known(function):
        return None, f"{label('VOILUTFunction')} is none of {', '.join(_FUNCTIONS)}; the window is left out"
    window = Window(center, width, function)
    if not is_valid(window):
        return (
            None,
            f"{label('WindowWidth')} of {width:g} is not allowed for {function}; the window is left out",
        )
    return window, None


def _is_known(function: str) -> TypeGuard[Function]:
    return function in _FUNCTIONS
