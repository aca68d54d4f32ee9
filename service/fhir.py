"""A result as FHIR: a DiagnosticReport with its Observations and the model as a Device, all in one resource.

Source: HL7 FHIR R4B, https://hl7.org/fhir/R4B/diagnosticreport.html. Patient and study are named as the image
names them (DICOM PS3.3 C.7.1 and C.7.2, UIDs as `urn:oid:`); a receiver matches them with its own.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.dataset import Dataset

from imaging.dicom_source import DicomSource
from service.kept import KEPT, Kept
from service.results import RESULT, DecisionView, ResultView

Resource = dict[str, Any]

_CODES = "urn:atypia:result"
_CATEGORY = {
    "coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}
    ]
}
# Nobody has looked at it, and nobody is to rely on it (http://hl7.org/fhir/diagnostic-report-status).
_STATUS = "preliminary"


def make_fhir(folder: Path, job_id: str, created_at: datetime, seal_key: str, file: BinaryIO) -> None:
    """Write the report on the result in `folder`; the same job gives the same bytes.

    Raises:
        GoneError: The key does not open what is kept of the source.
    """
    result = ResultView.model_validate_json((folder / RESULT).read_bytes())
    source = Kept.read(folder / KEPT).source(seal_key)
    report = diagnostic_report(result, source, job_id=job_id, created_at=created_at)
    file.write(json.dumps(report, indent=1).encode())


def diagnostic_report(
    result: ResultView, source: DicomSource | None, *, job_id: str, created_at: datetime
) -> Resource:
    """The DiagnosticReport; without subject and study where the image does not name them.

    Args:
        created_at: When the job was made, with its time zone.
    """
    header = source.header if source is not None else Dataset()
    about = {**_subject(header), "effectiveDateTime": created_at.isoformat()}
    observations = [
        {**found, "status": _STATUS, "category": [_CATEGORY], **about, "device": {"reference": "#model"}}
        for found in _observations(result)
    ]
    return {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "urn:atypia:job", "value": job_id}],
        "contained": [_device(result), *observations],
        "status": _STATUS,
        "category": [_CATEGORY],
        "code": {"text": "Departure from normal images, by an unsupervised model"},
        **about,
        "issued": created_at.isoformat(),
        **_study(header),
        "result": [{"reference": f"#{found['id']}"} for found in observations],
        "conclusion": f"{_conclusion(result)} {result.intended_use}",
    }


def _observations(result: ResultView) -> list[Resource]:
    numbers = {
        "score": ("Anomaly score; higher departs more, and it is no probability", result.score),
        "percentile": ("Percentile of the score among held-out normal images", result.percentile),
        "p-value": ("Conformal p-value of the score among held-out normal images", result.p_value),
    }
    found: list[Resource] = [
        {**_named(name, text), "valueQuantity": {"value": value}} for name, (text, value) in numbers.items()
    ]
    regions = {"valueInteger": len(result.findings)}
    found.append({**_named("findings", "Regions above the anomaly map's threshold"), **regions})
    return found + [_decision(decision) for decision in result.decisions]


def _decision(decision: DecisionView) -> Resource:
    rate = f"{decision.false_alarm_rate:.0%} of normal images are flagged"
    named = _named(decision.operating_point, f"Whether the score is above the threshold at which {rate}")
    if decision.flagged is None:
        return {**named, "dataAbsentReason": {"text": "too few normal images to set a threshold"}}
    return {**named, "valueBoolean": decision.flagged}


def _named(name: str, text: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": name,
        "code": {"coding": [{"system": _CODES, "code": name}], "text": text},
    }


def _device(result: ResultView) -> Resource:
    name, _, version = result.model.partition("@")
    return {
        "resourceType": "Device",
        "id": "model",
        "identifier": [{"system": "urn:atypia:bundle-sha256", "value": result.bundle_digest}],
        "deviceName": [{"name": name, "type": "model-name"}],
        "version": [{"value": version}],
    }


def _subject(header: Dataset) -> Resource:
    patient_id = str(header.get("PatientID", ""))
    if not patient_id:
        return {}
    issuer = str(header.get("IssuerOfPatientID", ""))
    assigner = {"assigner": {"display": issuer}} if issuer else {}
    return {"subject": {"type": "Patient", "identifier": {"value": patient_id, **assigner}}}


def _study(header: Dataset) -> Resource:
    uid = header.get("StudyInstanceUID")
    if not uid:
        return {}
    identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}
    return {"imagingStudy": [{"type": "ImagingStudy", "identifier": identifier}]}


def _conclusion(result: ResultView) -> str:
    flagged = {True: "flagged", False: "not flagged", None: "not decided"}[result.pred_label]
    return f"Score {result.score:.4g}, percentile {result.percentile:.1f}: {flagged} by {result.model}."
