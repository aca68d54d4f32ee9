"""POST /score: an image in, a job or its result out."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from service.api.access import MaySubmit
from service.api.delivery import accepted_response, result_response
from service.api.forms import FORMS, negotiate
from service.api.prefer import wait_of
from service.api.services import ServicesDep
from service.api.submission import ScoreOptions, submit_upload
from service.jobs import JobView
from service.keys import PRIORITIES
from service.problems import MEDIA_TYPE, Problem
from service.results import ResultView

router = APIRouter(tags=["score"])

_FILE = {"type": "string", "format": "binary"}
_FILES = {"type": "array", "items": _FILE, "minItems": 1}
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
                    },
                    "required": ["file"],
                    # A file may have any field name: a contrast's, for a model of several.
                    "additionalProperties": _FILES,
                }
            },
            "application/octet-stream": {"schema": _FILE},
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
    responses={202: {"model": JobView}, 200: ANY_FORM, **PROBLEMS},
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

    Send multipart files under any field names, or one raw file. The answer is the job; with `Prefer: wait=30`
    it is the result, in the form that `Accept` names, if there is one within so many seconds.
    """
    form = negotiate(accept)
    job_id = await submit_upload(request, options, principal.owner, services)
    request.state.job_id = job_id
    wait_s = wait_of(prefer, longest_s=services.settings.max_wait_s)
    if wait_s is None:
        return accepted_response(await services.forecaster.view(await services.queue.get(job_id)))
    job = await services.watcher.wait(job_id, wait_s)
    if job.is_final:
        response = await result_response(job, form, services)
    else:
        response = accepted_response(await services.forecaster.view(job))
    response.headers["Preference-Applied"] = f"wait={wait_s:g}"
    return response
