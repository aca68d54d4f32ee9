"""Header elements of a DICOM data set: plain values, or an error that names the element and no value."""

import math
from collections.abc import Sequence
from typing import Any

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag

from imaging.errors import UnreadableImageError
from imaging.foreign_errors import translated


def label(keyword: str) -> str:
    """The element as the standard prints it: `(0028,0008) Number of Frames`."""
    tag = Tag(tag_for_keyword(keyword) or 0)
    return f"({tag.group:04X},{tag.element:04X}) {dictionary_description(tag)}"


def text(dataset: Dataset, keyword: str) -> str | None:
    value = _value(dataset, keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    stripped = str(value).strip(" \0") if value is not None else ""
    return stripped or None


def numbers(dataset: Dataset, keyword: str, *, count: int | None = None) -> tuple[float, ...] | None:
    """All values, finite; None where the element is absent or empty.

    Raises:
        UnreadableImageError: a value is no finite number, or there are not `count` of them.
    """
    value = _value(dataset, keyword)
    if value is None or value in ("", b""):
        return None
    with translated(f"{label(keyword)} is not a number; correct the header and send the file again"):
        values = tuple(float(v) for v in (value if isinstance(value, MultiValue | list | tuple) else [value]))
    if not all(math.isfinite(v) for v in values):
        raise UnreadableImageError(
            f"{label(keyword)} is not finite; correct the header and send the file again"
        )
    if count is not None and len(values) != count:
        raise UnreadableImageError(
            f"{label(keyword)} has {len(values)} values instead of {count}; correct the header"
        )
    return values or None


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value."""
    values = numbers(dataset, keyword)
    return values[0] if values else None


def whole_number(dataset: Dataset, keyword: str) -> int | None:
    value = number(dataset, keyword)
    return None if value is None else int(value)


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; empty where it is absent."""
    value = _value(dataset, keyword)
    if value is None:
        return ()
    if not isinstance(value, DicomSequence):
        raise UnreadableImageError(
            f"{label(keyword)} is not a sequence; correct the header and send the file again"
        )
    return value


def _value(dataset: Dataset, keyword: str) -> Any:
    with translated(f"{label(keyword)} cannot be read; correct the header and send the file again"):
        return dataset[keyword].value if keyword in dataset else None
