"""A finished job's result as a response; or why there is none."""

from fastapi.responses import JSONResponse, Response, StreamingResponse

from service.api.derived import open_form, slice_of
from service.api.forms import PNG, Form
from service.api.problem_responses import problem_response
from service.api.services import Services
from service.errors import GoneError, JobNotFinishedError, JobStateError
from service.jobs import Job, JobView


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
        size, pieces = await open_form(job, form, services)
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
    try:
        content = await services.store.get(await slice_of(job, slice_index, services))
    except FileNotFoundError as error:
        raise _gone(job) from error
    return Response(content, media_type=PNG.media_type)


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


def _gone(job: Job) -> GoneError:
    return GoneError(f"the result of job {job.job_id} is kept no longer; send the image again")
