"""POST /score: an image in, a job or its result out."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from service.api.access import MaySubmit
from service.api.delivery import accepted_response, result_response
from service.api.forms import FORMS, Form, negotiate
from service.api.prefer import wait_of
from service.api.references import answer_of, submit_request, until_submitted
from service.api.services import Services, ServicesDep
from service.api.submission import ScoreOptions
from service.dicomweb.retrievals import Retrieval, RetrievalView
from service.dicomweb.uids import PATTERN as UID_PATTERN
from service.jobs import JobView
from service.keys import PRIORITIES
from service.problems import MEDIA_TYPE, Problem
from service.results import ResultView

router = APIRouter(tags=["score"])

_FILE = {"type": "string", "format": "binary"}
_FILES = {"type": "array", "items": _FILE, "minItems": 1}
_UID = {"type": "string", "pattern": UID_PATTERN, "maxLength": 64}
_REFERENCE = {
    "type": "object",
    "properties": {"dicomweb_server": {"type": "string"}, "study_uid": _UID, "series_uid": _UID},
    "required": ["dicomweb_server", "study_uid"],
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": _FILES,
                        "model": {"type": "string"},
                        "scope": {"type": "string", "enum": ["enforce", "warn"]},
                        "priority": {"type": "string", "enum": list(PRIORITIES)},
                        "callback": {"type": "string", "format": "uri"},
                        "results": {"type": "string"},
                    },
                    "required": ["file"],
                    # A file may have any field name: a contrast's, for a model of several.
                    "additionalProperties": _FILES,
                }
            },
            "application/octet-stream": {"schema": _FILE},
            "application/json": {"schema": _REFERENCE},
        },
    }
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "What is wrong, and what helps"}
}

ANY_FORM: dict[str, Any] = {"model": ResultView, "content": {form.media_type: {} for form in FORMS}}


@router.post(
    "/score",
    status_code=202,
    responses={202: {"model": JobView | RetrievalView}, 200: ANY_FORM, **PROBLEMS},
    openapi_extra=_BODY,
)
async def score(
    request: Request,
    options: Annotated[ScoreOptions, Query()],
    principal: MaySubmit,
    services: ServicesDep,
    prefer: Annotated[str | None, Header()] = None,
    accept: Annotated[
        str | None, Header(include_in_schema=False)
    ] = None,  # OpenAPI ignores it as a parameter
) -> Response:
    """Score one image: DICOM instances of one series, a zip of them, NIfTI, PNG or JPEG.

    Send multipart files under any field names, or one raw file; or, as JSON or as form fields, the names of a
    series on a configured DICOMweb server, which is a retrieval until it has been fetched. The answer is the
    job; with `Prefer: wait=30` it is the result, in the form that `Accept` names, if there is one within so
    many seconds.
    """
    form = negotiate(accept)
    wait_s = wait_of(prefer, longest_s=services.settings.max_wait_s)
    submitted = await submit_request(request, options, principal, services)
    if isinstance(submitted, Retrieval):
        began = time.monotonic()
        found = await until_submitted(submitted, wait_s or 0, services)
        if found.job_id is None:
            return answer_of(found)
        submitted, wait_s = found.job_id, wait_s and max(0.0, wait_s - (time.monotonic() - began))
    return await _answer(request, submitted, form, wait_s, services)


async def _answer(
    request: Request, job_id: str, form: Form, wait_s: float | None, services: Services
) -> Response:
    request.state.job_id = job_id
    if wait_s is None:
        return accepted_response(await services.forecaster.view(await services.queue.get(job_id)))
    job = await services.watcher.wait(job_id, wait_s)
    if job.is_final:
        request.state.job = job
        response = await result_response(job, form, services)
    else:
        response = accepted_response(await services.forecaster.view(job))
    response.headers["Preference-Applied"] = f"wait={wait_s:g}"
    return response
