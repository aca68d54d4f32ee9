"""From a request's body to a job: what it is, which model it goes to, whether it is known already."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.exceptions import RedisError
from starlette.requests import Request

from imaging.dicom_audit.codes import DESTINATION, SOURCE
from imaging.dicom_audit.events import EventKind
from imaging.dicom_audit.message import ActiveParticipant
from imaging.dicom_audit.objects import subject_objects
from imaging.header import Header, Subject
from inference.bundle import Bundle
from inference.catalog import Catalog
from inference.errors import BundleNotFoundError, InferenceError, OutOfScopeError
from inference.scope import departures_of_header
from service.api.services import Services
from service.api.uploads import Upload
from service.audit_trail import this_process, user
from service.contrasts import parts_by_contrast
from service.deliveries import OwedCallback
from service.dicomweb.owed_results import OwedResult
from service.dicomweb.servers import NAME as SERVER_NAME
from service.errors import NoModelForImageError, ServiceError, UnknownFieldError
from service.images import inspect_upload
from service.jobs import JobRequest, ResultDelivery
from service.keys import Priority, digest_of_parts, input_key, input_keys, make_job_id
from service.seal import make_seal_key
from service.store import Intake
from service.tracing import TRACEPARENT


class ScoreOptions(BaseModel):
    """What a sender may choose, in the query or as form fields; the form's word counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(
        default=None,
        max_length=100,
        description="`name` or `name@version`; by default the first one that is for such an image",
    )
    scope: Literal["enforce", "warn"] = Field(
        default="enforce", description="refuse an image that the model is not for, or score it with a warning"
    )
    priority: Priority = Field(
        default="normal", description="which jobs are taken first; a low one may wait, but not for ever"
    )
    results: str | None = Field(
        default=None,
        pattern=SERVER_NAME,
        description="DICOMweb server, by its configured name, that the results as DICOM are stored at",
    )
    callback: str | None = Field(
        default=None,
        max_length=2000,
        description="URL that the job is posted to when it has ended; its host must be on the service's list",
    )

    def updated(self, fields: Mapping[str, object]) -> "ScoreOptions":
        """These options, with what the form says instead.

        Raises:
            UnknownFieldError: The form has a field or a value that means nothing here.
        """
        try:
            return ScoreOptions.model_validate({**self.model_dump(), **fields})
        except ValidationError as error:
            first = error.errors()[0]
            raise UnknownFieldError(
                f"form field {first['loc'][0]!s:.50}: {first['msg']}; fields are "
                f"{', '.join(ScoreOptions.model_fields)}, and a file needs a file name"
            ) from error


@dataclass(frozen=True)
class Sender:
    """As in `JobRequest`; `participants` are those that the audit trail names beside this process."""

    owner: str
    traceparent: str
    participants: Sequence[ActiveParticipant]


def sender_of(request: Request, owner: str) -> Sender:
    address = request.client.host if request.client else ""
    participants = [user(owner, address, role=SOURCE)]
    return Sender(owner, getattr(request.state, TRACEPARENT, ""), participants)


def choose_bundle(
    catalog: Catalog, options: ScoreOptions, header: Header, contrasts: Sequence[str] = ()
) -> Bundle:
    """The bundle asked for, or else the one for such an image; `contrasts` as `Catalog.choose` has them.

    Raises:
        BundleNotFoundError: There is no bundle of that name.
        NoModelForImageError: None was named and none fits.
        OutOfScopeError: The one named is not for such an image.
    """
    if options.model is None:
        try:
            return catalog.choose(modality=header.modality, body_part=header.body_part, contrasts=contrasts)
        except BundleNotFoundError as error:
            raise NoModelForImageError(str(error)) from error
    bundle = catalog.get(options.model)
    departures = departures_of_header(
        bundle.manifest.scope, modality=header.modality, body_part=header.body_part
    )
    if departures and options.scope == "enforce":
        raise OutOfScopeError(
            f"out of scope for {bundle.reference}: {'; '.join(departures)}; scope=warn scores it all the same"
        )
    return bundle


def check_targets(options: ScoreOptions, owner: str, services: Services) -> None:
    """Refuse to send anything where this sender may have nothing sent.

    Raises:
        CallbackRefusedError: The callback's host is not listed.
        UnknownServerError: The results are to go to a server that is none of the sender's.
    """
    if options.callback is not None:
        services.callbacks_allowed.endpoint_of(options.callback)
    if options.results is not None:
        services.servers.named(options.results, owner)


async def submit_received(
    upload: Upload, intake: Intake, options: ScoreOptions, sender: Sender, services: Services
) -> str:
    """Queue the job of what was received; the upload is kept if it is a new one.

    Raises:
        ImagingError: It is nothing that can be scored.
        InferenceError: The model does not exist, or is not for it.
        ServiceError: The queue or the disk is full, or an option means nothing.
    """
    is_kept, subject = False, None
    try:
        options = options.updated(upload.fields)
        check_targets(options, sender.owner, services)
        asked = _contrasts_of(upload, options, services.catalog)
        keys = input_keys(upload.upload_id, len(upload.names), asked)
        header = await services.sandbox.call(inspect_upload, intake.root, keys, services.settings.limits)
        subject = header.subject
        bundle = choose_bundle(services.catalog, options, header, list(asked))
        job = _request_of(upload, bundle, options, sender, subject if services.trail.is_on else None)
        # A worker may take the job at once: its files must be there before it is.
        await services.store.keep(intake, [input_key(upload.upload_id, part) for part in range(job.parts)])
        is_kept = await services.queue.submit(job)
        kind: EventKind = "received" if is_kept else "received again"
        await services.trail.note_job(kind, job, _parties(sender))
        if options.callback is not None:
            await services.deliveries.owe(OwedCallback(job.job_id, options.callback))
        if options.results is not None:
            await services.queue.note_delivery(job.job_id, ResultDelivery(server=options.results))
            await services.owed_results.owe(OwedResult(job.job_id, options.results, sender.owner))
    except (InferenceError, ServiceError) as error:
        await _tell_refused(subject, error, sender, services)
        raise
    except (RedisError, asyncio.CancelledError):
        # Nobody knows whether the queue has taken the job; what is nobody's the sweeper removes.
        is_kept = True
        raise
    finally:
        if not is_kept:
            await services.store.delete(f"inputs/{upload.upload_id}")
    return job.job_id


async def _tell_refused(
    subject: Subject | None, error: Exception, sender: Sender, services: Services
) -> None:
    """Images that came and are not kept; of what is no patient's there is nothing to tell."""
    if subject is not None:
        objects = subject_objects(subject, name="refused")
        description = type(error).__name__
        await services.trail.note("received", _parties(sender), objects, outcome=4, description=description)


def _parties(sender: Sender) -> list[ActiveParticipant]:
    is_asked_for = not any(one.role == SOURCE and one.is_requestor for one in sender.participants)
    return [*sender.participants, this_process(DESTINATION, is_requestor=is_asked_for)]


def _request_of(
    upload: Upload, bundle: Bundle, options: ScoreOptions, sender: Sender, subject: Subject | None
) -> JobRequest:
    contrasts = parts_by_contrast(upload.names, bundle.manifest)
    digest, owner = digest_of_parts(upload.digests, contrasts), sender.owner
    return JobRequest(
        # Of the same image two owners have two jobs: nobody learns what others have sent.
        job_id=make_job_id(
            digest, bundle.digest, {"scope": options.scope, **({"owner": owner} if owner else {})}
        ),
        upload_id=upload.upload_id,
        parts=len(upload.names),
        model=bundle.reference,
        bundle_digest=bundle.digest,
        scope=options.scope,
        contrasts=contrasts,
        seal_key=make_seal_key(),
        owner=owner,
        size_bytes=upload.size_bytes,
        priority=options.priority,
        traceparent=sender.traceparent,
        subject=subject,
    )


def _contrasts_of(upload: Upload, options: ScoreOptions, catalog: Catalog) -> dict[str, list[int]]:
    """Which files are which contrast for the model asked for, or for any that takes all of their names."""
    if options.model is not None:
        bundle: Bundle | None = catalog.get(options.model)
    else:
        bundle = catalog.find_by_contrasts(upload.names)
    return parts_by_contrast(upload.names, bundle.manifest) if bundle is not None else {}
