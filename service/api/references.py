"""The body of POST /score: an image, or the names of a series on a DICOMweb server."""

import asyncio
import json
import time
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.access.principal import Principal
from service.api.problem_responses import problem_response
from service.api.services import Services
from service.api.submission import ScoreOptions, Sender, check_targets, sender_of, submit_received
from service.api.uploads import Upload, bounded, receive_upload
from service.dicomweb.retrievals import Retrieval, RetrievalView
from service.dicomweb.uids import Uid
from service.errors import MalformedRequestError, UnknownFieldError, UploadTooLargeError

_JSON = "application/json"
_MAX_JSON_BYTES = 64 * 2**10
_POLL_S = 0.2


class SeriesReference(BaseModel):
    """A series by its UIDs; without its own, the only one of the study that is an image for the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dicomweb_server: str
    study_uid: Uid
    series_uid: Uid | None = None


async def submit_request(
    request: Request, options: ScoreOptions, principal: Principal, services: Services
) -> str | Retrieval:
    """Receive an image and queue its job, or note the reference; the job's id, or the retrieval.

    Raises:
        ImagingError: It is nothing that can be scored.
        InferenceError: The model does not exist, or is not for it.
        ServiceError: The queue or the disk is full, or the body is wrong.
    """
    await services.admission.admit(request)
    sender = sender_of(request, principal.owner)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON:
        return await _ask(await _json_of(request), options, sender, services)
    settings = services.settings
    async with services.store.receiving() as intake:
        upload = await receive_upload(
            request,
            intake,
            max_bytes=settings.max_upload_bytes,
            max_files=settings.max_files,
            check_room=services.admission.disk.check,
        )
        if _is_reference(upload):
            return await _ask(upload.fields, options, sender, services)
        return await submit_received(upload, intake, options, sender, services)


async def until_submitted(retrieval: Retrieval, wait_s: float, services: Services) -> Retrieval:
    """The retrieval when it is over, or as it is after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while not retrieval.is_final and (left_s := deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(_POLL_S, left_s))
        retrieval = await services.retrievals.get(retrieval.retrieval_id)
    return retrieval


def answer_of(retrieval: Retrieval) -> Response:
    """The answer to whoever asked for it, where there is no job yet: where to look, or what is wrong."""
    view = RetrievalView.of(retrieval)
    if view.error is not None:
        return problem_response(view.error)
    return JSONResponse(view.model_dump(mode="json"), 202, {"Location": view.links["self"]})


async def _ask(
    fields: Mapping[str, object], options: ScoreOptions, sender: Sender, services: Services
) -> Retrieval:
    named = {name: fields[name] for name in SeriesReference.model_fields if name in fields}
    options = options.updated({name: value for name, value in fields.items() if name not in named})
    try:
        reference = SeriesReference.model_validate(named)
    except ValidationError as error:
        first = error.errors()[0]
        raise UnknownFieldError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    server = services.servers.named(reference.dicomweb_server, sender.owner)
    if options.results is None and server.results is not None:
        options = options.model_copy(update={"results": server.results})
    check_targets(options, sender.owner, services)
    if options.model is not None:
        services.catalog.get(options.model)
    return await services.retrievals.ask(
        Retrieval(
            server=server.name,
            study_uid=reference.study_uid,
            series_uid=reference.series_uid,
            options=options.model_dump(exclude_defaults=True),
            owner=sender.owner,
            traceparent=sender.traceparent,
        )
    )


async def _json_of(request: Request) -> Mapping[str, object]:
    try:
        content = b"".join([piece async for piece in bounded(request.stream(), _MAX_JSON_BYTES)])
        fields = json.loads(content)
    except (ValueError, UploadTooLargeError, RecursionError) as error:
        raise MalformedRequestError(
            "the body is no JSON; send dicomweb_server, study_uid, series_uid"
        ) from error
    if not isinstance(fields, dict):
        raise MalformedRequestError("the body is no JSON object; send dicomweb_server, study_uid, series_uid")
    return fields


def _is_reference(upload: Upload) -> bool:
    """Whether the form names a series.

    Raises:
        UnknownFieldError: It holds files as well.
    """
    if "dicomweb_server" not in upload.fields:
        return False
    if upload.digests:
        raise UnknownFieldError("the form names a series on a server and holds files; send either")
    return True
