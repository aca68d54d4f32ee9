"""/dicomweb: what a DICOMweb client stores is scored, a job for each series."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from service.api.access import MaySubmit
from service.api.score_routes import PROBLEMS
from service.api.services import Services, ServicesDep
from service.api.stow import MEDIA_TYPE, Stored, Storing
from service.api.submission import ScoreOptions, sender_of
from service.api.uploads import receive_upload
from service.errors import MalformedRequestError
from service.jobs import links_of

router = APIRouter(prefix="/dicomweb", tags=["dicomweb"], responses=PROBLEMS)

_RELATED = "multipart/related"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {_RELATED: {"schema": {"type": "array", "items": {"type": "string", "format": "binary"}}}},
    }
}
_STORED = {"description": "Store Instances Response; a Link header for each job", "content": {MEDIA_TYPE: {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {200: _STORED, 202: _STORED, 409: _STORED}

StudyUid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="Of which all instances must be.")]


@router.post("/studies", responses=_ANSWERS, openapi_extra=_BODY, response_class=Response)
async def store(
    request: Request,
    options: Annotated[ScoreOptions, Query()],
    principal: MaySubmit,
    services: ServicesDep,
) -> Response:
    """STOW-RS: instances as `multipart/related; type="application/dicom"`, a job for each of their series."""
    return await _store(request, options, principal.owner, services, study=None)


@router.post("/studies/{study}", responses=_ANSWERS, openapi_extra=_BODY, response_class=Response)
async def store_in_study(
    request: Request,
    study: StudyUid,
    options: Annotated[ScoreOptions, Query()],
    principal: MaySubmit,
    services: ServicesDep,
) -> Response:
    """The same for one study; instances of others have failed."""
    return await _store(request, options, principal.owner, services, study=study)


async def _store(
    request: Request, options: ScoreOptions, owner: str, services: Services, *, study: str | None
) -> Response:
    if not request.headers.get("content-type", "").lower().startswith(_RELATED):
        raise MalformedRequestError(
            f'the body is no {_RELATED}; type="application/dicom" (PS3.18 10.5); POST /score takes others'
        )
    await services.admission.admit(request)
    settings = services.settings
    async with services.store.receiving() as intake:
        upload = await receive_upload(
            request,
            intake,
            max_bytes=settings.max_upload_bytes,
            max_files=settings.max_files,
            check_room=services.admission.disk.check,
        )
        try:
            storing = Storing(upload, intake, options, sender_of(request, owner), study)
            stored = await storing.run(services)
        finally:
            # Every series has taken its own files with it.
            await intake.delete(f"inputs/{upload.upload_id}")
    return _response(stored)


def _response(stored: Stored) -> Response:
    response = JSONResponse(stored.to_json(), stored.status, media_type=MEDIA_TYPE)
    for job_id in stored.job_ids:
        response.headers.append("Link", f'<{links_of(job_id)["self"]}>; rel="monitor"')
    for sentence in stored.sentences:
        # A header holds ASCII alone, and quotes end it (RFC 9111 5.5).
        plain = sentence.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")
        response.headers.append("Warning", f'299 - "{plain}"')
    return response
