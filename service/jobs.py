"""A job: what was asked, how far it is, and how the world sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel

from imaging.header import Subject
from service.keys import Priority, cleaned_key, input_keys
from service.problems import Problem

JobState = Literal["queued", "running", "done", "failed", "cancelled", "expired"]
_DELIVERY = "delivery:"
FINAL_STATES: frozenset[JobState] = frozenset(("done", "failed", "cancelled", "expired"))


@dataclass(frozen=True)
class JobRequest:
    """What a sender asks for; with the bundle and the input these are the job's identity.

    `contrasts` says which parts of the upload are which contrast, in the order of the channels; empty where
    all parts are one picture. `seal_key` opens what is kept of the patient's identity; `owner` is the id of
    the API key that it was sent with, `traceparent` the trace that it belongs to, "" for none; `subject`
    whose images they are, which is known only where there is an audit trail.
    """

    job_id: str
    upload_id: str
    parts: int
    model: str
    bundle_digest: str
    scope: Literal["enforce", "warn"]
    contrasts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    seal_key: str = ""
    owner: str = ""
    size_bytes: int = 0
    priority: Priority = "normal"
    traceparent: str = ""
    subject: Subject | None = None

    @property
    def keys(self) -> dict[str, list[str]]:
        """Where the upload's files are, see `input_keys`."""
        return input_keys(self.upload_id, self.parts, self.contrasts)

    @property
    def cleaned_keys(self) -> dict[str, list[str]]:
        """Where the de-identified upload is once the job is done: one file for each contrast."""
        return {name: [cleaned_key(self.upload_id, place)] for place, name in enumerate(self.keys)}

    def to_fields(self) -> dict[str, str]:
        return {
            "upload_id": self.upload_id,
            "parts": str(self.parts),
            "model": self.model,
            "bundle_digest": self.bundle_digest,
            "scope": self.scope,
            "contrasts": json.dumps(self.contrasts),
            "seal_key": self.seal_key,
            "owner": self.owner,
            "size_bytes": str(self.size_bytes),
            "priority": self.priority,
            "traceparent": self.traceparent,
            **({"subject": json.dumps(asdict(self.subject))} if self.subject else {}),
        }


class JobSummary(BaseModel):
    """A result in a line of a list; `slices` are those that have a score of their own."""

    score: float
    percentile: float
    p_value: float
    pred_label: bool | None
    in_scope: bool = True  # an earlier version did not say
    findings: int
    warnings: int
    slices: int


class StoredObject(BaseModel):
    """One object of a result by its names."""

    form: str
    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str


class ResultDelivery(BaseModel):
    """How far a result is on its way to a DICOMweb server; `objects` are there already."""

    server: str
    state: Literal["waiting", "stored", "failed"] = "waiting"
    tries: int = 0
    reason: str | None = None
    objects: tuple[StoredObject, ...] = ()

    @property
    def field(self) -> str:
        """Where it stands in the job's record."""
        return f"{_DELIVERY}{self.server}"


@dataclass(frozen=True)
class Job:
    """A job's record as it stood in Redis; `revision` counts its changes."""

    request: JobRequest
    state: JobState
    attempt: str
    progress: float
    revision: int
    created_at: datetime
    finished_at: datetime | None
    error: Problem | None
    started_at: datetime | None = None
    deliveries: Sequence[ResultDelivery] = ()
    summary: JobSummary | None = None  # of a result that an earlier version made there is none

    @classmethod
    def of_fields(cls, job_id: str, fields: Mapping[str, str]) -> Self:
        values: Mapping[str, Any] = fields
        return cls(
            request=JobRequest(
                job_id=job_id,
                upload_id=values["upload_id"],
                parts=int(values["parts"]),
                model=values["model"],
                bundle_digest=values["bundle_digest"],
                scope=values["scope"],
                # An older service wrote none of these.
                contrasts=json.loads(values.get("contrasts", "{}")),
                seal_key=values.get("seal_key", ""),
                owner=values.get("owner", ""),
                size_bytes=int(values.get("size_bytes", "0")),
                priority=values.get("priority", "normal"),
                traceparent=values.get("traceparent", ""),
                subject=Subject(**json.loads(values["subject"])) if "subject" in values else None,
            ),
            state=values["state"],
            attempt=values["attempt"],
            progress=float(values["progress"]),
            revision=int(values["revision"]),
            created_at=_time_of(fields["created_at"]),
            finished_at=_time_of(fields["finished_at"]) if "finished_at" in fields else None,
            error=Problem(**json.loads(fields["error"])) if fields.get("error") else None,
            started_at=_time_of(fields["started_at"]) if "started_at" in fields else None,
            deliveries=tuple(
                ResultDelivery.model_validate_json(fields[name])
                for name in sorted(fields)
                if name.startswith(_DELIVERY)
            ),
            summary=JobSummary.model_validate_json(fields["summary"]) if "summary" in fields else None,
        )

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES


class JobView(BaseModel):
    """A job as its sender sees it.

    `seconds_left` is null when it is over, or when nobody can know yet, `summary` until it is done.
    """

    job_id: str
    state: JobState
    progress: float
    seconds_left: float | None
    created_at: datetime
    finished_at: datetime | None
    model: str
    priority: Priority
    error: Problem | None
    summary: JobSummary | None
    deliveries: list[ResultDelivery]
    links: dict[str, str]

    @classmethod
    def of(cls, job: Job, *, seconds_left: float | None) -> Self:
        return cls(
            job_id=job.job_id,
            state=job.state,
            progress=job.progress,
            seconds_left=seconds_left,
            created_at=job.created_at,
            finished_at=job.finished_at,
            model=job.request.model,
            priority=job.request.priority,
            error=job.error,
            summary=job.summary,
            deliveries=list(job.deliveries),
            links=links_of(job.job_id),
        )


def links_of(job_id: str) -> dict[str, str]:
    """Where everything of a job is, as paths below the service's address."""
    job = f"/jobs/{job_id}"
    return {
        "self": job,
        "events": f"{job}/events",
        "result": f"{job}/result",
        "overlay": f"{job}/result/overlay.png",
        "anomaly_map": f"{job}/result/anomaly_map.nii.gz",
        "image": f"{job}/result/image.nii.gz",
        "fhir": f"{job}/result/fhir.json",
        "archive": f"{job}/result.zip",
    }


def reconstruction_links_of(job_id: str) -> dict[str, str]:
    """Where it is what the network saw, and what it made of it, if it makes something."""
    return {name: f"/jobs/{job_id}/result/{name}.nii.gz" for name in ("seen", "reconstruction")}


def dicom_links_of(job_id: str) -> dict[str, str]:
    """Where the result of an image that came as DICOM is in that form."""
    names = {"picture": "sc", "report": "sr", "segmentation": "seg", "parametric_map": "pm"}
    return {name: f"/jobs/{job_id}/result/{kind}.dcm" for name, kind in names.items()}


def _time_of(seconds: str) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
