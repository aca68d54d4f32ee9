"""What an upload is, as far as it can be told without decoding a pixel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Subject:
    """Whose DICOM images: study, patient ("" where the header does not say), instances by SOP class."""

    study_uid: str
    patient_id: str
    instances: Mapping[str, int]


@dataclass(frozen=True)
class Header:
    """The size and kind of the image that `read_image` would return; `slices` is 1 for a 2-D image."""

    format: Literal["dicom", "nifti", "png", "jpeg"]
    modality: str | None
    body_part: str | None
    rows: int
    columns: int
    slices: int
    subject: Subject | None = None
