"""DICOM instances to one image."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from imaging.dicom_burned_in import burned_in_warnings
from imaging.dicom_elements import text
from imaging.dicom_file import DicomFile
from imaging.dicom_frames import Frame
from imaging.dicom_luts import read_voi
from imaging.dicom_pixels import stored_frames
from imaging.dicom_series import Stack, arrange
from imaging.dicom_source import dicom_source
from imaging.dicom_values import grey_values, is_inverted, mirror_sum
from imaging.finite import fill_gaps, gap_warning
from imaging.header import Header, Subject
from imaging.image import Image, Instance, LookupTable, Source, SourceGrid, Window
from imaging.limits import Limits
from imaging.voi import mirror

_LONGEST_ID = 64  # of UI and LO, PS3.5 6.2
_MOST_CLASSES = 20  # of what is told of an upload; an image is of one


def read_dicom(files: Sequence[DicomFile], *, limits: Limits) -> Image:
    """Decode the instances of one series; the VOI is the middle slice's."""
    stack = arrange(files, limits=limits)
    header = stack.frames[0].file.header
    pixels, gaps = fill_gaps(_decode(stack.frames))
    voi, voi_warnings = _voi(stack)
    depth, rows, columns = pixels.shape
    return Image(
        pixels=pixels if depth == 1 else pixels[None],
        affine=stack.affine,
        geometry=stack.geometry,
        source=_source(stack),
        grid=SourceGrid.straight((columns, rows, depth), stack.affine),
        modality=text(header, "Modality"),
        body_part=text(header, "BodyPartExamined"),
        voi=voi,
        warnings=(
            *burned_in_warnings(header),
            *stack.warnings,
            *_gap_warnings(stack, gaps),
            *voi_warnings,
        ),
    )


def inspect_dicom(files: Sequence[DicomFile], *, limits: Limits) -> Header:
    """What `read_dicom` would return, from the headers alone."""
    stack = arrange(files, limits=limits)
    first = stack.frames[0].file
    return Header(
        format="dicom",
        modality=text(first.header, "Modality"),
        body_part=text(first.header, "BodyPartExamined"),
        rows=first.rows,
        columns=first.columns,
        slices=len(stack.frames),
        subject=_subject(files, first),
    )


def _subject(files: Sequence[DicomFile], first: DicomFile) -> Subject | None:
    study_uid = text(first.header, "StudyInstanceUID")
    if study_uid is None:
        return None
    classes = Counter((text(file.header, "SOPClassUID") or "")[:_LONGEST_ID] for file in files)
    patient_id = text(first.header, "PatientID") or ""
    return Subject(
        study_uid[:_LONGEST_ID], patient_id[:_LONGEST_ID], dict(classes.most_common(_MOST_CLASSES))
    )


def _decode(frames: Iterable[Frame]) -> np.ndarray:
    """`(D, H, W)` float32 with NaN for padding; each file is decoded once, in the order of its own frames."""
    by_file: dict[int, list[tuple[int, Frame]]] = {}
    for slice_index, frame in enumerate(frames):
        by_file.setdefault(id(frame.file), []).append((slice_index, frame))
    placed = [entry for entries in by_file.values() for entry in entries]
    file = placed[0][1].file
    pixels = np.empty((len(placed), file.rows, file.columns), np.float32)  # (D, H, W)
    for entries in by_file.values():
        entries.sort(key=lambda entry: entry[1].index)
        stored = stored_frames(entries[0][1].file, [frame.index for _, frame in entries])
        for (slice_index, frame), plane in zip(entries, stored, strict=True):
            pixels[slice_index] = grey_values(frame, plane)
    return pixels


def _gap_warnings(stack: Stack, gaps: int) -> tuple[str, ...]:
    """Gaps of integer pixels are their padding, and expected; those of float pixels are not."""
    is_float = stack.frames[0].file.keyword != "PixelData"
    return (gap_warning(gaps),) if is_float and gaps else ()


def _voi(stack: Stack) -> tuple[Window | LookupTable | None, tuple[str, ...]]:
    middle = stack.frames[len(stack.frames) // 2]
    if middle.file.samples > 1 or text(middle.file.header, "PhotometricInterpretation") == "PALETTE COLOR":
        return None, ()  # windows are for MONOCHROME1 and 2 only, PS3.3 C.11.2.1.2
    voi, warning = read_voi(middle)
    if is_inverted(middle):
        voi = mirror(voi, mirror_sum(middle))
    return voi, (warning,) if warning else ()


def _source(stack: Stack) -> Source:
    header = stack.frames[0].file.header
    return Source(
        format="dicom",
        study_uid=text(header, "StudyInstanceUID"),
        series_uid=text(header, "SeriesInstanceUID"),
        frame_of_reference_uid=text(header, "FrameOfReferenceUID"),
        instances=tuple(
            Instance(
                sop_class_uid=text(frame.file.header, "SOPClassUID") or "",
                sop_instance_uid=text(frame.file.header, "SOPInstanceUID") or "",
                frame=frame.index,
            )
            for frame in stack.frames
        ),
        dicom=dicom_source(stack.frames),
    )
