"""Stored values to rescaled grey: Modality LUT or rescale, padding, colour, and MONOCHROME1 turned over.

Source: PS3.3 C.11.1 (modality), C.7.5.1.1.2 (padding), C.7.6.3.1.2 (photometric interpretation).
"""

from dataclasses import dataclass

import numpy as np

from imaging.dicom_elements import label, number, text
from imaging.dicom_frames import Frame, group_macro
from imaging.dicom_luts import read_table
from imaging.dicom_palette import apply_palette
from imaging.dicom_pixels import is_signed, stored_range
from imaging.errors import UnreadableImageError
from imaging.luma import luma


@dataclass(frozen=True)
class _Rescale:
    slope: float
    intercept: float

    def apply(self, stored: np.ndarray) -> np.ndarray:
        """In double precision first: a dose of 32 bits does not fit float32's 24."""
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows float32 becomes a gap
            return (stored.astype(np.float64) * self.slope + self.intercept).astype(np.float32)


@dataclass(frozen=True)
class _ModalityTable:
    first: int
    entries: np.ndarray

    def apply(self, stored: np.ndarray) -> np.ndarray:
        """Inputs outside the table take its ends (PS3.3 C.11.1.1)."""
        indices = np.clip(stored.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[indices], np.float32)


def grey_values(frame: Frame, stored: np.ndarray) -> np.ndarray:
    """Rescaled float32 `(H, W)`, bright = dense, NaN where the stored value is padding.

    Args:
        stored: `(H, W)`, or RGB `(H, W, 3)`.
    """
    if stored.ndim == 3:
        return luma(stored)
    photometric = text(frame.file.header, "PhotometricInterpretation")
    if photometric == "PALETTE COLOR":
        return luma(apply_palette(stored, frame.file.header))
    values = _modality(frame).apply(stored)
    if photometric == "MONOCHROME1":
        values = np.float32(mirror_sum(frame)) - values
    values[_is_padding(frame, stored)] = np.nan
    return values


def is_inverted(frame: Frame) -> bool:
    """Whether the file calls its lowest value white (MONOCHROME1), so that `grey_values` turns it over."""
    return text(frame.file.header, "PhotometricInterpretation") == "MONOCHROME1"


def mirror_sum(frame: Frame) -> float:
    """Lowest plus highest rescaled value that the header declares possible: `v` is turned over to `sum - v`.

    The declared range, not the one met: two images of one device stay comparable.
    """
    modality = _modality(frame)
    if isinstance(modality, _ModalityTable):
        return float(modality.entries.min() + modality.entries.max())
    return float(modality.apply(np.array(stored_range(frame.file))).sum())


def _modality(frame: Frame) -> _Rescale | _ModalityTable:
    if (table := read_table(frame, "ModalityLUTSequence")) is not None:
        return _ModalityTable(table[0], table[1])
    macro = group_macro(frame.file, frame.index, "PixelValueTransformationSequence")
    slope = number(macro, "RescaleSlope")
    if slope is None:
        slope = number(macro, "DoseGridScaling")  # PS3.3 C.8.8.3
    if slope == 0:
        raise UnreadableImageError(
            f"{label('RescaleSlope')} is 0, which leaves no picture; correct the header"
        )
    return _Rescale(1.0 if slope is None else slope, number(macro, "RescaleIntercept") or 0.0)


def _is_padding(frame: Frame, stored: np.ndarray) -> np.ndarray:
    """A mask; the limit, where there is one, spans a range in either direction (PS3.3 C.7.5.1.1.2)."""
    start = _stored_value(frame, "PixelPaddingValue")
    if start is None or stored.dtype.kind == "f":
        return np.zeros(stored.shape, bool)
    end = _stored_value(frame, "PixelPaddingRangeLimit")
    low, high = sorted((start, start if end is None else end))
    return (stored >= low) & (stored <= high)


def _stored_value(frame: Frame, keyword: str) -> float | None:
    """An element of the pixels' own signedness, whichever of US and SS it was written as."""
    value = number(frame.file.header, keyword)
    bits = frame.file.bits_allocated
    if value is not None and is_signed(frame.file) and value >= 2 ** (bits - 1):
        value -= 2**bits
    return value
