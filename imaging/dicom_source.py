"""What result objects take over from the DICOM instances of an image: identity, and every slice's place.

Source: PS3.3 C.7.1 to C.7.3 (patient, study, series), C.7.6.2 (image plane). Far less than the headers, which
scanners fill with megabytes of their own, so that it can be kept when the upload is gone.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from pydicom.config import RAISE
from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import validate_value

from imaging.dicom_elements import label, text
from imaging.dicom_frames import Frame
from imaging.errors import NoDicomSourceError
from imaging.foreign_errors import FOREIGN_ERRORS, quiet

_REQUIRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
# Type 2 where results are concerned: there, but perhaps empty.
_PRESENT = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
_WELCOME = (
    *(
        "IssuerOfPatientID",
        "OtherPatientNames",
        "PatientBirthTime",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
    ),
    *("PatientIdentityRemoved", "DeidentificationMethod", "EthnicGroup", "PatientComments"),
    *("StudyDescription", "NameOfPhysiciansReadingStudy", "AdmittingDiagnosesDescription"),
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName"),
    *("ClinicalTrialSiteID", "ClinicalTrialSiteName", "ClinicalTrialSubjectID"),
    *("ClinicalTrialSubjectReadingID", "ClinicalTrialTimePointID", "ClinicalTrialTimePointDescription"),
    *("Modality", "FrameOfReferenceUID", "PositionReferenceIndicator", "Laterality"),
    *("ImageLaterality", "PatientOrientation", "Rows", "Columns"),
    *("BurnedInAnnotation", "RecognizableVisualFeatures"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)

_CHOICES = {
    "PatientSex": ("M", "F", "O"),
    "Laterality": ("R", "L"),
    "ImageLaterality": ("R", "L", "U", "B"),
    "BurnedInAnnotation": ("YES", "NO"),
    "RecognizableVisualFeatures": ("YES", "NO"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "LossyImageCompression": ("00", "01"),
}


@dataclass(frozen=True)
class Plane:
    """The instance and frame (counted from 0) that a slice came from, and its place as `Frame` has it."""

    sop_class_uid: str
    sop_instance_uid: str
    frame: int
    frame_count: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    thickness: float | None


@dataclass(frozen=True)
class DicomSource:
    """`header` holds elements of the first slice, as text in UTF-8; `planes[k]` is slice k."""

    header: Dataset
    planes: tuple[Plane, ...]

    @property
    def has_places(self) -> bool:
        """Whether every slice has a place in a frame of reference."""
        return "FrameOfReferenceUID" in self.header and all(
            plane.position and plane.orientation and plane.spacing for plane in self.planes
        )

    def to_bytes(self) -> bytes:
        fields = {"header": self.header.to_json_dict(), "planes": [asdict(plane) for plane in self.planes]}
        return json.dumps(fields).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        fields = json.loads(content)
        planes = tuple(Plane(**_with_tuples(plane)) for plane in fields["planes"])
        return cls(Dataset.from_json(fields["header"]), planes)


def dicom_source(frames: Iterable[Frame]) -> DicomSource | None:
    """Of frames in slice order; None where one lacks the UIDs that results must refer to."""
    frames = tuple(frames)
    with quiet():
        if any(_valid_copy(frame.file.header, keyword) is None for frame in frames for keyword in _REQUIRED):
            return None
        header = _trimmed(frames[0].file.header)
    return DicomSource(header, tuple(_plane(frame) for frame in frames))


def require_dicom(source: DicomSource | None) -> DicomSource:
    """The source of an image that came as DICOM.

    Raises:
        NoDicomSourceError: it did not, or its instances have no UIDs.
    """
    if source is None:
        names = ", ".join(label(keyword) for keyword in _REQUIRED)
        raise NoDicomSourceError(
            f"results as DICOM belong to a study: send the image as DICOM instances with {names}"
        )
    return source


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists alone."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _plane(frame: Frame) -> Plane:
    header = frame.file.header
    return Plane(
        sop_class_uid=text(header, "SOPClassUID") or "",
        sop_instance_uid=text(header, "SOPInstanceUID") or "",
        frame=frame.index,
        frame_count=frame.file.frame_count,
        position=frame.position,
        orientation=frame.orientation,
        spacing=frame.spacing,
        thickness=frame.thickness,
    )


def _trimmed(header: Dataset) -> Dataset:
    kept = Dataset()
    kept.SpecificCharacterSet = "ISO_IR 192"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", *_PRESENT, *_WELCOME):
        if (element := _valid_copy(header, keyword)) is not None:
            kept.add(element)
        elif keyword in _PRESENT:
            setattr(kept, keyword, "")
    if "DeidentificationMethod" not in kept:  # without it, the other must not be there (PS3.3 C.7.1.1)
        kept.pop("PatientIdentityRemoved", None)
    return kept


def _valid_copy(header: Dataset, keyword: str) -> DataElement | None:
    """The element without its file's encoding; None where the standard forbids its value.

    What a scanner got wrong is not passed on: an archive may refuse the result for it.
    """
    vr = dictionary_VR(keyword)
    try:
        value: Any = header[keyword].value if keyword in header else None
        values = list(value) if isinstance(value, MultiValue) else [value]
        if value is None or value == "" or (len(values) > 1 and dictionary_VM(keyword) == "1"):
            return None
        plain = [int(part) if vr == "US" else str(part) for part in values]
        for part in plain:
            _validate(keyword, vr, part)
        return DataElement(tag_for_keyword(keyword) or 0, vr, plain if len(plain) > 1 else plain[0])
    except FOREIGN_ERRORS:
        return None


def _validate(keyword: str, vr: str, part: str | int) -> None:
    """Raises: ValueError: the standard forbids the value."""
    if part not in _CHOICES.get(keyword, (part,)):
        raise ValueError(f"{label(keyword)} is none of {_CHOICES[keyword]}")
    # Components of a UID begin with 0 in some studies: strictly wrong, but it is their name.
    if vr != "UI" or not re.fullmatch(r"[0-9.]{1,64}", str(part)):
        validate_value(vr, part, RAISE)
