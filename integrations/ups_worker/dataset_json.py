"""Workitems in the DICOM JSON model: the few attributes that the worker reads and writes.

Source: PS3.18 F.2 (DICOM JSON model), PS3.4 table CC.2.5-3 (attributes of a UPS and its final state).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.ups_worker.settings import Code

Dataset = Mapping[str, Any]

SOP_CLASS, SOP_INSTANCE = "00081150", "00081155"
INSTANCE_UID, STATE, READINESS, TRANSACTION = "00080018", "00741000", "00404041", "00081195"
STUDY, SERIES, INPUT, OUTPUT = "0020000D", "0020000E", "00404021", "00404033"
WORKITEM_CODE, LABEL = "00404018", "00741202"
CODE_VALUE, CODE_SCHEME = "00080100", "00080102"
_PROGRESS_SEQUENCE, _PROGRESS, _PROGRESS_TEXT = "00741002", "00741004", "00741006"
_CANCEL_REASON, _DISCONTINUATION = "00741238", "0074100E"
_PERFORMED = "00741216"
_STATION, _PERFORMED_CODE, _START, _END = "00404028", "00404019", "00404050", "00404051"
_DISCONTINUED = Code(value="110513", scheme="DCM", meaning="Discontinued for unspecified reason")
_PROCESSING = Code(value="110004", scheme="DCM", meaning="Computer Aided Detection")


def element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def value_of(dataset: Dataset, tag: str) -> Any:
    """The first value of an attribute, if it has one."""
    found = dataset.get(tag)
    values = found.get("Value") if isinstance(found, Mapping) else None
    return values[0] if isinstance(values, list) and values else None


def items_of(dataset: Dataset, tag: str) -> list[Dataset]:
    """The items of a sequence."""
    found = dataset.get(tag)
    values = found.get("Value") if isinstance(found, Mapping) else None
    return [item for item in values if isinstance(item, Mapping)] if isinstance(values, list) else []


def input_series(workitem: Dataset) -> set[tuple[str, str]]:
    """Study and series of every input that the workitem names."""
    return {(str(value_of(item, STUDY)), str(value_of(item, SERIES))) for item in items_of(workitem, INPUT)}


def change_of_state(state: str, transaction_uid: str) -> dict[str, Any]:
    """PS3.4 table CC.2.1-1."""
    return {STATE: element("CS", state), TRANSACTION: element("UI", transaction_uid)}


def progress_update(percent: int, text: str) -> dict[str, Any]:
    item = {_PROGRESS: element("DS", percent), _PROGRESS_TEXT: element("ST", text)}
    return {_PROGRESS_SEQUENCE: element("SQ", item)}


def completed_update(
    station: Code, code: Code | None, times: tuple[str, str], outputs: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What must be there before COMPLETED: who did what, when, and what came of it."""
    performed = {
        _STATION: element("SQ", _code(station)),
        _PERFORMED_CODE: element("SQ", _code(code or _PROCESSING)),
        _START: element("DT", times[0]),
        _END: element("DT", times[1]),
        OUTPUT: element("SQ", *outputs),
    }
    return {**progress_update(100, "done"), _PERFORMED: element("SQ", performed)}


def canceled_update(reason: str) -> dict[str, Any]:
    """What must be there before CANCELED; the reason holds no patient data."""
    item = {
        _CANCEL_REASON: element("LT", reason),
        _DISCONTINUATION: element("SQ", _code(_DISCONTINUED)),
    }
    return {_PROGRESS_SEQUENCE: element("SQ", item)}


def output_item(study_uid: str, stored: Mapping[str, Any], retrieve_url: str | None) -> dict[str, Any]:
    """One object of the result: PS3.3 table 10-3b (Referenced Instances and Access)."""
    reference = {
        SOP_CLASS: element("UI", stored["sop_class_uid"]),
        SOP_INSTANCE: element("UI", stored["sop_instance_uid"]),
    }
    item = {
        "0040E020": element("CS", "DICOM"),  # Type of Instances
        STUDY: element("UI", study_uid),
        SERIES: element("UI", stored["series_uid"]),
        "00081199": element("SQ", reference),  # Referenced SOP Sequence
    }
    if retrieve_url is not None:
        # WADO-RS Retrieval Sequence, Retrieve URL
        place = f"{retrieve_url.rstrip('/')}/studies/{study_uid}/series/{stored['series_uid']}"
        item["0040E025"] = element("SQ", {"00081190": element("UR", place)})
    return item


def _code(code: Code) -> dict[str, Any]:
    return {
        CODE_VALUE: element("SH", code.value),
        CODE_SCHEME: element("SH", code.scheme),
        "00080104": element("LO", code.meaning),
    }
