"""What the node reads of an instance: where it belongs, and whether it is an image to be scored."""

import hashlib
import mmap
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ParametricMapStorage, SegmentationStorage

from imaging.dicom_elements import text
from imaging.errors import UnreadableImageError
from imaging.foreign_errors import quiet, translated
from imaging.inflate import RAW_DEFLATE, inflate_start
from integrations.dicom_node.series import SeriesFacts

_KEYWORDS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "Modality",
    "BodyPartExamined",
    "SeriesDescription",
    "Manufacturer",
    "Rows",
]
# They have pixels, but those are somebody's findings.
_LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
_DERIVED_CLASSES = (SegmentationStorage, _LABEL_MAP_SEGMENTATION, ParametricMapStorage)
# A PACS that forwards all that it gets would have the node score its own heatmaps for ever.
_OURS = "Atypia"
_META_START = 144  # preamble, prefix and the group length element itself, PS3.10 7.1
_MOST_HEADER_BYTES = 2**25
_LONGEST_ID = 64  # of LO, PS3.5 6.2
_PIXEL_GROUP = 0x7FE0
_PIECE_BYTES = 2**20


@dataclass(frozen=True)
class InstanceFacts:
    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str
    patient_id: str
    is_scorable: bool
    series: SeriesFacts

    @property
    def series_key(self) -> str:
        return _name_of(f"{self.study_uid}/{self.series_uid}")

    @property
    def file_name(self) -> str:
        """Ours, not the sender's: a UID may hold anything, such as a way out of the folder."""
        return f"{_name_of(self.sop_instance_uid)}.dcm"


def read_instance(path: Path) -> InstanceFacts:
    """Read the header of a DICOM file; nothing is decoded.

    Raises:
        UnreadableImageError: It is damaged, or lacks one of the UIDs that every instance has.
    """
    with translated("the header is damaged"):
        header = _header_of(path)
    manufacturer = text(header, "Manufacturer") or ""
    sop_class = _uid(header, "SOPClassUID")
    return InstanceFacts(
        sop_class_uid=sop_class,
        sop_instance_uid=_uid(header, "SOPInstanceUID"),
        study_uid=_uid(header, "StudyInstanceUID"),
        series_uid=_uid(header, "SeriesInstanceUID"),
        patient_id=(text(header, "PatientID") or "")[:_LONGEST_ID],
        is_scorable="Rows" in header and manufacturer != _OURS and sop_class not in _DERIVED_CLASSES,
        series=SeriesFacts(
            modality=text(header, "Modality") or "",
            body_part=text(header, "BodyPartExamined") or "",
            description=text(header, "SeriesDescription") or "",
        ),
    )


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _header_of(path: Path) -> Dataset:
    meta = read_file_meta_info(path)
    if meta.TransferSyntaxUID != DeflatedExplicitVRLittleEndian:
        return dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
    start = _META_START + meta.FileMetaInformationGroupLength
    # pydicom would inflate all of it, however much that is.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        head = inflate_start(content[start:], _MOST_HEADER_BYTES, wbits=RAW_DEFLATE)
    return read_dataset(BytesIO(head), False, True, stop_when=_is_pixel_data)


def _is_pixel_data(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group >= _PIXEL_GROUP


def _uid(header: Dataset, keyword: str) -> str:
    with quiet():
        uid = text(header, keyword) or ""
    if len(uid) > 64 or not re.fullmatch(r"[0-9.]+", uid):
        raise UnreadableImageError(f"{keyword} is missing or no UID")
    return str(UID(uid))


def _name_of(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
