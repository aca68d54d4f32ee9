"""A finished job's result as a response, straight from the store; or why there is none."""

from fastapi.responses import JSONResponse, Response, StreamingResponse

from service.api.forms import Form, key_of
from service.api.problem_responses import problem_response
from service.api.services import Services
from service.errors import GoneError, JobNotFinishedError, JobStateError
from service.images import draw_slice
from service.jobs import Job, JobView
from service.keys import result_key
from service.results import ANOMALY_MAP, full_colour_of


async def result_response(job: Job, form: Form, services: Services) -> Response:
    """The result in one form; a failed job's problem, with its own status.

    Raises:
        JobNotFinishedError: It is queued or running.
        JobStateError: It was cancelled.
        GoneError: It is kept no longer.
    """
    if job.error is not None:
        return problem_response(job.error.model_copy(update={"job_id": job.job_id}))
    check_done(job)
    try:
        size, pieces = await services.store.stream(await key_of(services.store, job, form))
    except FileNotFoundError as error:
        raise _gone(job) from error
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'inline; filename="{job.job_id}-{form.name}"',
        "Vary": "Accept",
    }
    return StreamingResponse(pieces, media_type=form.media_type, headers=headers)


async def slice_response(job: Job, slice_index: int, services: Services) -> Response:
    """The overlay of one slice, drawn when it is first asked for and kept.

    Raises:
        UnknownFieldError: There is no such slice.
        GoneError: The upload is kept no longer.
    """
    check_done(job)
    key = result_key(job.job_id, job.attempt, f"overlay-{slice_index:05d}.png")
    if not await services.store.exists(key):
        await services.store.put(key, await _drawn(job, slice_index, services))
    return Response(await services.store.get(key), media_type="image/png")


def accepted_response(view: JobView) -> JSONResponse:
    """The job is known; where to look for it."""
    return JSONResponse(view.model_dump(mode="json"), 202, {"Location": view.links["self"]})


def check_done(job: Job) -> None:
    if job.state == "done":
        return
    if job.state == "expired":
        raise _gone(job)
    if job.is_final:
        raise JobStateError(
            f"job {job.job_id} is {job.state} and has no result; POST /jobs/{job.job_id}/retry runs it again"
        )
    raise JobNotFinishedError(
        f"job {job.job_id} is {job.state}; GET /jobs/{job.job_id}/events tells when it is done"
    )


async def _drawn(job: Job, slice_index: int, services: Services) -> bytes:
    request = job.request
    threshold = services.catalog.get(request.model).manifest.calibration.map_threshold
    return await services.sandbox.call(
        draw_slice,
        services.store.root,
        request.keys,
        result_key(job.job_id, job.attempt, ANOMALY_MAP),
        services.settings.limits,
        full_colour_of(threshold, peak=1.0),
        slice_index,
    )


def _gone(job: Job) -> GoneError:
    return GoneError(f"the result of job {job.job_id} is kept no longer; send the image again")
