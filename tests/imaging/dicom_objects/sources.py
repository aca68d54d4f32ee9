"""Small DICOM images, each with one brightest voxel whose place in the world its headers tell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    MRImageStorage,
)

from tests.imaging.dicom_builder import dicom_bytes, item

ROWS, COLUMNS = 6, 8
PEAK, SHOULDER = 1000, 800  # of the landmark and of its neighbours, over zeros
LANDMARK = (2, 5)  # row, column
SPACING = [1.5, 0.75]  # between rows, between columns
FRAME_OF_REFERENCE = "1.2.826.0.1.3680043.8.498.3"
PATIENT = {
    "PatientName": "Müller^Jörg",
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientID": "P-17",
    "PatientBirthDate": "19600229",
    "PatientSex": "M",
    "StudyDate": "20260301",
    "StudyTime": "101500",
    "StudyID": "7",
    "AccessionNumber": "A-99",
    "ReferringPhysicianName": "Doe^Jane",
    "StudyDescription": "Head",
}


@dataclass(frozen=True)
class SourceFiles:
    """The files as they are sent, and the landmark: LPS millimetres, and the instance and frame (from 1)."""

    parts: list[bytes]
    landmark: np.ndarray | None
    instance_uid: str
    frame: int | None = None


def place_of_landmark(position: Any, orientation: Any) -> np.ndarray:
    """PS3.3 C.7.6.2.1.1, written out once more."""
    row, column = LANDMARK
    along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
    return np.array(position) + column * SPACING[1] * along_row + row * SPACING[0] * along_column


def axial_ct() -> SourceFiles:
    return _series([(-10.0, 20.0, z) for z in (30.0, 35.0, 40.0, 45.0)], [1, 0, 0, 0, 1, 0], CTImageStorage)


def oblique_mr() -> SourceFiles:
    turn = _turned(0.5, about=0) @ _turned(0.3, about=1) @ _turned(-0.2, about=2)
    orientation = [*turn[:, 0], *turn[:, 1]]
    positions = [tuple(np.array([12.5, -7.25, 3.0]) + 4.2 * k * turn[:, 2]) for k in range(4)]
    return _series(positions, orientation, MRImageStorage)


def tilted_ct() -> SourceFiles:
    """The gantry leans by 20 degrees, while the table goes straight on."""
    turn = _turned(np.radians(20), about=0)
    positions = [(-40.0, -30.0, 100.0 + 5.0 * k) for k in range(4)]
    return _series(positions, [*turn[:, 0], *turn[:, 1]], CTImageStorage)


def enhanced_mr() -> SourceFiles:
    """Eight frames, highest position first, of two time points; the landmark is in the first alone."""
    turn = _turned(0.4, about=1)
    orientation = [*turn[:, 0], *turn[:, 1]]
    positions = [np.array([5.0, 6.0, 7.0]) + 3.0 * k * turn[:, 2] for k in (3, 2, 1, 0, 3, 2, 1, 0)]
    stored = np.zeros((8, ROWS, COLUMNS), np.uint16)
    stored[1], stored[2] = _plane(PEAK), _plane(SHOULDER)
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=_decimals(orientation))],
        PixelMeasuresSequence=[item(PixelSpacing=SPACING, SliceThickness=3)],
    )
    frames = [
        item(PlanePositionSequence=[item(ImagePositionPatient=_decimals(position))]) for position in positions
    ]
    content = dicom_bytes(
        stored,
        **PATIENT,
        SOPClassUID=EnhancedMRImageStorage,
        SOPInstanceUID="1.2.3.50",
        Modality="MR",
        FrameOfReferenceUID=FRAME_OF_REFERENCE,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )
    return SourceFiles([content], place_of_landmark(positions[1], orientation), "1.2.3.50", frame=2)


def chest_projection() -> SourceFiles:
    content = dicom_bytes(
        _plane(PEAK),
        **PATIENT,
        SOPClassUID=DigitalXRayImageStorageForPresentation,
        SOPInstanceUID="1.2.3.60",
        Modality="DX",
        ImagerPixelSpacing=SPACING,
        BodyPartExamined="CHEST",
        PatientOrientation=["L", "F"],
    )
    return SourceFiles([content], None, "1.2.3.60")


PLACED = {source.__name__: source for source in (axial_ct, oblique_mr, tilted_ct, enhanced_mr)}
ALL = PLACED | {"chest_projection": chest_projection}


def _series(positions: Any, orientation: Any, sop_class: str) -> SourceFiles:
    """Single-frame instances sent last first; the landmark is in the second, its shoulder in the third."""
    values = [0, PEAK, SHOULDER, 0]
    parts = [
        dicom_bytes(
            _plane(value),
            **PATIENT,
            SOPClassUID=sop_class,
            SOPInstanceUID=f"1.2.3.{number}",
            Modality="CT" if sop_class == CTImageStorage else "MR",
            FrameOfReferenceUID=FRAME_OF_REFERENCE,
            ImagePositionPatient=_decimals(position),
            ImageOrientationPatient=_decimals(orientation),
            PixelSpacing=SPACING,
            SliceThickness=3,
        )
        for number, (position, value) in enumerate(zip(positions, values, strict=True), start=1)
    ]
    return SourceFiles(parts[::-1], place_of_landmark(positions[1], orientation), "1.2.3.2")


def _plane(value: int) -> np.ndarray:
    plane = np.zeros((ROWS, COLUMNS), np.uint16)
    plane[LANDMARK] = value
    return plane


def _decimals(values: Any) -> list[str]:
    return [f"{value:.10g}"[:16] for value in values]


def _turned(angle: float, *, about: int) -> np.ndarray:
    first, second = [axis for axis in range(3) if axis != about]
    turn = np.eye(3)
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
    return turn
