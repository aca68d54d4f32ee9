"""Palettes looked up, and what a segmented one unpacks to, counted before it is.

Source: PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6 (palettes), C.7.9.2 (segments).
"""

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from imaging.dicom_elements import numbers
from imaging.errors import UnreadableImageError
from imaging.foreign_errors import translated

_MOST_ENTRIES = 65536
_MOST_BYTES = 16 * _MOST_ENTRIES  # an entry takes no more, however unwisely it is packed
_COLOURS = ("Red", "Green", "Blue", "Alpha")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_DAMAGED = "the palette cannot be read; correct the header and send the file again"


def apply_palette(stored: np.ndarray, header: Dataset) -> np.ndarray:
    """Colours `(H, W, 3)` of stored values `(H, W)`.

    Raises:
        UnreadableImageError: the palette is damaged, or has more entries than a palette can.
    """
    with translated(_DAMAGED):
        for colour in _COLOURS:
            _check_segments(header.get(f"Segmented{colour}PaletteColorLookupTableData"), header)
        colours = apply_color_lut(stored, header)
    if colours.shape[-1] < 3:
        raise UnreadableImageError(_DAMAGED)
    return colours[..., :3]


def _check_segments(segments: bytes | None, header: Dataset) -> None:
    if not segments:
        return
    descriptor = numbers(header, "RedPaletteColorLookupTableDescriptor", count=3)
    if descriptor is None or len(segments) > _MOST_BYTES:
        raise UnreadableImageError(_DAMAGED)
    is_bytes = descriptor[2] == 8
    # Big endian is retired, and the order changes no opcode that pydicom could then expand.
    words = np.frombuffer(segments[: len(segments) // 2 * 2], "u1" if is_bytes else "<u2").tolist()
    _count(words, most_segments=_MOST_ENTRIES, budget=_MOST_ENTRIES, is_bytes=is_bytes)


def _count(words: Sequence[int], *, most_segments: int, budget: int, is_bytes: bool) -> int:
    """How many entries so many segments unpack to; the way through them is pydicom's."""
    place = total = 0
    for _ in range(most_segments):
        if place + 1 >= len(words):
            break
        kind, length = words[place], words[place + 1]
        place += 2
        if kind == _INDIRECT:
            start, size = _target(words, place, is_bytes)
            place += size
            total += _count(words[start:], most_segments=length, budget=budget - total, is_bytes=is_bytes)
        else:
            place += length if kind == _DISCRETE else 1
        total += max(length, 1)
        if total > budget:
            raise UnreadableImageError(_DAMAGED)
    return total


def _target(words: Sequence[int], place: int, is_bytes: bool) -> tuple[int, int]:
    """Where an indirect segment points, and the words that say so (C.7.9.2.3)."""
    if is_bytes:
        a, b, c, d = words[place : place + 4]
        return (d << 8 | c) << 16 | (b << 8 | a), 4
    return words[place + 1] << 16 | words[place], 2
