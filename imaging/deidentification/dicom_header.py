"""De-identification of a DICOM data set and of the sequences in it, by the table.

Source: PS3.15 E.1 and E.2, Table E.1-1; PS3.3 C.7.1.1 and C.12.1 (what says that it was done). What is not
touched is not even parsed: it keeps its bytes.
"""

import re
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imaging.deidentification.dummies import dummy, moved
from imaging.deidentification.profile import Action, Option, Profile
from imaging.deidentification.pseudonyms import Pseudonyms
from imaging.deidentification.report import Changes
from imaging.deidentification.table import EDITION, rule_of
from imaging.dicom_elements import text
from imaging.errors import UnreadableImageError

_DEEPEST = 32  # sequences within each other
_FIRST_GROUP = 0x0008  # those below are of messages, of files and of directories, PS3.5 7.1
_UNDEFINED_LENGTH = 0xFFFFFFFF
_SUBJECTS = frozenset((0x00100010, 0x00100020))  # name and ID of the patient
_CODES = re.compile(rb"[A-Z0-9_ \\\0]*")
# Of these no dummy holds in every IOD; they count and classify.
_STRUCTURE = frozenset(("AT", "SL", "SS", "UI", "UL", "US"))


@dataclass(frozen=True)
class _Cleaner:
    profile: Profile
    pseudonyms: Pseudonyms
    patient: str
    days_earlier: int
    changes: Changes

    def clean(self, dataset: Dataset, depth: int = 0, *, is_dummy: bool = False) -> None:
        if depth > _DEEPEST:
            raise UnreadableImageError(
                f"sequences lie more than {_DEEPEST} deep in each other; correct the file"
            )
        for tag in list(dataset.keys()):
            if tag.is_private:
                del dataset[tag]
                self.changes.private_removed += 1
            elif tag.element == 0 and tag.group >> 8 not in (0x50, 0x60):
                del dataset[tag]  # a group's length, which would be another now, PS3.5 7.2
            else:
                self._clean_element(dataset, tag, depth, is_dummy=is_dummy)

    def _clean_element(self, dataset: Dataset, tag: BaseTag, depth: int, *, is_dummy: bool) -> None:
        rule = rule_of(tag)
        vr = _known_vr(dataset, tag)
        action: Action = self.profile.action(rule, vr) if vr is not None else "remove"
        if vr is None or action == "remove":
            del dataset[tag]
            self._note(rule.tag if rule else f"({tag.group:04X},{tag.element:04X})", tag, "removed")
            return
        is_dummy = is_dummy or action == "dummy"
        if vr == "SQ" and action != "empty":
            for item in dataset[tag].value:
                self.clean(item, depth + 1, is_dummy=is_dummy)
        elif not _is_empty(dataset, tag, vr):
            is_listed = rule is not None or not is_dummy
            self._replace(dataset, tag, vr, action if is_listed else _within_dummy(dataset, tag, vr))

    def _replace(self, dataset: Dataset, tag: BaseTag, vr: str, action: Action) -> None:
        if action == "keep":
            return
        said = "emptied" if action == "empty" else "replaced"
        if int(tag) in _SUBJECTS:
            value: object = self.pseudonyms.patient(self.patient)
            said = "replaced"
        elif action == "uid":
            value, said = self._mapped(dataset, tag), "mapped"
        elif action == "shift" and (date := moved(_string(dataset, tag), vr, self.days_earlier)) is not None:
            value, said = date, "shifted" if vr != "TM" else "kept"
        elif action == "empty":
            value = Sequence() if vr == "SQ" else None
        else:
            value = _dummies(dataset, tag, vr)
        dataset[tag] = DataElement(tag, vr, value)
        self._note(f"({tag.group:04X},{tag.element:04X})", tag, said)

    def _mapped(self, dataset: Dataset, tag: BaseTag) -> list[str]:
        uids = [uid.strip(" \0") for uid in _string(dataset, tag).split("\\")]
        self.changes.uids_mapped += len(uids)
        return [self.pseudonyms.uid(uid) if uid else uid for uid in uids]

    def _note(self, shown: str, tag: BaseTag, action: str) -> None:
        self.changes.note(shown, "" if "x" in shown else keyword_for_tag(tag), action)


def deidentify_header(header: Dataset, *, profile: Profile, pseudonyms: Pseudonyms, changes: Changes) -> None:
    """Change the data set in place, and have it say so.

    Args:
        header: Freshly parsed; elements of pixel data are left as they are.

    Raises:
        UnreadableImageError: Sequences lie too deep in each other.
    """
    patient = _patient(header)
    is_moved = text(header, "LongitudinalTemporalInformationModified") == "MODIFIED"
    # Moved by us already, which the pseudonym proves: moved once more they would differ from the first run's.
    days_earlier = 0 if is_moved and pseudonyms.is_patient(patient) else pseudonyms.days_earlier(patient)
    _Cleaner(profile, pseudonyms, patient, days_earlier, changes).clean(header)
    _say_so(header, profile)


def _patient(header: Dataset) -> str:
    """What the patient is told from others by: the ID, or without one the name, or else the study."""
    found = (text(header, keyword) for keyword in ("PatientID", "PatientName", "StudyInstanceUID"))
    return next((identity for identity in found if identity), "")


def _say_so(header: Dataset, profile: Profile) -> None:
    codes = []
    for code in profile.codes():
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, "DCM", code.meaning
        codes.append(item)
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = f"Atypia: PS3.15 {EDITION} E, by its table"
    header.DeidentificationMethodCodeSequence = Sequence(codes)
    dates = {Option.RETAIN_FULL_DATES: "UNMODIFIED", Option.RETAIN_MODIFIED_DATES: "MODIFIED"}
    said = [dates[option] for option in profile.options if option in dates]
    header.LongitudinalTemporalInformationModified = said[0] if said else "REMOVED"


def _known_vr(dataset: Dataset, tag: BaseTag) -> str | None:
    """How the value is encoded; None where PS3.6 knows no such element, or knows it as something else."""
    try:
        known = dictionary_VR(tag).split(" or ")
    except KeyError:
        return None
    element = dataset.get_item(tag)
    vr = element.VR or known[0] if element is not None else None
    if vr in {"SQ", "UN"} or known == ["SQ"]:
        element = dataset[tag]  # parses it
        vr = element.VR
    is_open = isinstance(element, RawDataElement) and element.length == _UNDEFINED_LENGTH
    return vr if vr in known and tag.group >= _FIRST_GROUP and not is_open else None


def _bytes(dataset: Dataset, tag: BaseTag) -> bytes:
    """The encoded value of an element that is no sequence; what was parsed is encoded again."""
    element = dataset.get_item(tag)
    if isinstance(element, RawDataElement):
        return element.value or b""
    value = element.value if element is not None else None
    values = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return value if isinstance(value, bytes) else "\\".join(map(str, values)).encode()


def _string(dataset: Dataset, tag: BaseTag) -> str:
    return _bytes(dataset, tag).decode("latin-1").rstrip(" \0")


def _is_empty(dataset: Dataset, tag: BaseTag, vr: str) -> bool:
    return not dataset[tag].value if vr == "SQ" else not _bytes(dataset, tag).strip(b" \0")


def _within_dummy(dataset: Dataset, tag: BaseTag, vr: str) -> Action:
    """An element that the table does not list, inside of a sequence that is to be a dummy."""
    is_code = vr == "CS" and _CODES.fullmatch(_bytes(dataset, tag)) is not None
    return "keep" if vr in _STRUCTURE or is_code else "dummy"


def _dummies(dataset: Dataset, tag: BaseTag, vr: str) -> object:
    """As many as there are values, where a number of them may be asked for."""
    if vr in ("FD", "FL"):
        return [0.0] * (len(_bytes(dataset, tag)) // (8 if vr == "FD" else 4))
    if vr in ("DS", "IS"):
        return [dummy(vr)] * (_string(dataset, tag).count("\\") + 1)
    return dummy(vr)
