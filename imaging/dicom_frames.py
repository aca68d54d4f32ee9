"""The planes of a DICOM file with their place in the patient, single-frame and multi-frame alike.

Source: PS3.3 C.7.6.2 (Image Plane), C.7.6.16 (functional groups), C.8.8.3.2 (RT Dose), 10.7 (pixel spacing).
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from imaging.dicom_elements import items, number, numbers
from imaging.dicom_file import DicomFile
from imaging.errors import UnreadableImageError

# Most precise statement first: Pixel Spacing may be calibrated, the detector's own is not (PS3.3 10.7.1.3).
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


@dataclass(frozen=True)
class Frame:
    """One plane: frame `index` of `file`, with what its header says of its place, in millimetres.

    `position` is the centre of the first pixel, `orientation` the row's and the column's direction cosines,
    `spacing` the distance between rows and between columns. `order` ranks frames that share a position.
    """

    file: DicomFile
    index: int
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    spacing: tuple[float, ...] | None = None
    thickness: float | None = None
    order: tuple[float, ...] = ()


def frames_of(file: DicomFile) -> list[Frame]:
    """Every frame in the order of the file."""
    groups = items(file.header, "PerFrameFunctionalGroupsSequence")
    if groups and len(groups) < file.frame_count:
        raise UnreadableImageError(
            f"the header describes {len(groups)} of {file.frame_count} frames; correct the header"
        )
    offsets = _dose_offsets(file)
    return [_frame(file, index, offsets[index] if offsets else 0.0) for index in range(file.frame_count)]


def group_macro(file: DicomFile, index: int, sequence: str) -> Dataset:
    """The functional group `sequence` of a frame, its own before the shared one; else the header itself."""
    per_frame = items(file.header, "PerFrameFunctionalGroupsSequence")
    shared = items(file.header, "SharedFunctionalGroupsSequence")
    for groups, place in ((per_frame, index), (shared, 0)):
        if place < len(groups) and (macro := items(groups[place], sequence)):
            return macro[0]
    return file.header


def _frame(file: DicomFile, index: int, offset: float) -> Frame:
    measures = group_macro(file, index, "PixelMeasuresSequence")
    place = group_macro(file, index, "PlanePositionSequence")
    turn = group_macro(file, index, "PlaneOrientationSequence")
    position = numbers(place, "ImagePositionPatient", count=3)
    orientation = numbers(turn, "ImageOrientationPatient", count=6)
    if file.frame_count > 1 and place is file.header:
        position = _shifted(position, orientation, offset) if "GridFrameOffsetVector" in file.header else None
    return Frame(
        file=file,
        index=index,
        position=position,
        orientation=orientation,
        spacing=_spacing(measures),
        thickness=number(measures, "SliceThickness"),
        order=_order(file, index),
    )


def _spacing(measures: Dataset) -> tuple[float, ...] | None:
    for keyword in _SPACINGS:
        spacing = numbers(measures, keyword, count=2)
        if spacing is not None and min(spacing) > 0:
            return spacing
    return None


def _order(file: DicomFile, index: int) -> tuple[float, ...]:
    """First time point first; an absent number counts as 0 (PS3.3 C.7.6.16.2.2, C.8.3.1)."""
    keywords = ("TemporalPositionIdentifier", "AcquisitionNumber", "InstanceNumber")
    return (*(number(file.header, keyword) or 0.0 for keyword in keywords), float(index))


def _dose_offsets(file: DicomFile) -> tuple[float, ...] | None:
    """Each dose plane's distance from the first along the normal."""
    offsets = numbers(file.header, "GridFrameOffsetVector")
    if offsets is None:
        return None
    if len(offsets) != file.frame_count:
        raise UnreadableImageError(
            f"the header has {len(offsets)} frame offsets for {file.frame_count} frames; correct the header"
        )
    # Relative to the first plane or absolute: their differences are the same (PS3.3 C.8.8.3.2).
    return tuple(offset - offsets[0] for offset in offsets)


def _shifted(
    position: tuple[float, ...] | None, orientation: tuple[float, ...] | None, offset: float
) -> tuple[float, ...] | None:
    if position is None or orientation is None:
        return None
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return tuple(p + offset * n for p, n in zip(position, normal, strict=True))
