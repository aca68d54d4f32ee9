"""/jobs: how far each one is, cancelling, trying again."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sse_starlette import EventSourceResponse, ServerSentEvent

from service.access.principal import Principal
from service.api.access import MaySee, SeenJob, check_changes
from service.api.delivery import accepted_response
from service.api.job_feed import JobFeed
from service.api.score_routes import PROBLEMS
from service.api.services import Services, ServicesDep
from service.errors import GoneError
from service.jobs import FINAL_STATES, JobView
from service.keys import UPLOADS, input_key

_AT_ONCE = 200  # records of jobs in memory, for one reader

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=PROBLEMS)


@router.get("")
async def list_jobs(
    principal: MaySee, services: ServicesDep, count: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[JobView]:
    """The newest jobs that you may see, newest first."""
    owner = None if principal.can("read") else principal.owner
    return await services.forecaster.views(await services.queue.recent(count, owner=owner))


@router.get("/events", response_class=EventSourceResponse)
async def follow_jobs(principal: MaySee, services: ServicesDep) -> Response:
    """Server-sent events of all jobs that you may see, from now on.

    `event: job` has a job as it is, whenever one has changed, at most four times a second; `event: removed`
    the `job_id` of one that is gone. Where the stream ends, some may have been missed: open it again, then
    ask for the list.
    """
    feed = await services.watcher.feed()
    return EventSourceResponse(_all_events(feed, principal, services), ping=services.settings.heartbeat_s)


@router.get("/{job_id}")
async def get_job(job: SeenJob, services: ServicesDep) -> JobView:
    """One job."""
    return await services.forecaster.view(job)


@router.get("/{job_id}/events", response_class=EventSourceResponse)
async def follow_job(
    job: SeenJob,
    services: ServicesDep,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Server-sent events: the job as it is now, and after each change, until it is final.

    With `Last-Event-ID` the first one is what came after that event; 204 where nothing will come any more.
    """
    if job.is_final and last_event_id == str(job.revision):
        # The one answer at which a browser does not connect again.
        return Response(status_code=204)
    return EventSourceResponse(
        _events(job.job_id, last_event_id, services), ping=services.settings.heartbeat_s
    )


@router.delete("/{job_id}", responses={200: {"model": JobView}, 204: {}})
async def delete_job(job: SeenJob, principal: MaySee, services: ServicesDep) -> Response:
    """Cancel a queued or running job (200); remove a finished one with its upload and result (204)."""
    check_changes(principal, job)
    if job.state in FINAL_STATES:
        return await _remove(job.job_id, services)
    await services.queue.cancel(job.job_id)
    view = await services.forecaster.view(await services.queue.get(job.job_id))
    return JSONResponse(view.model_dump(mode="json"))


@router.post("/{job_id}/retry", status_code=202, responses={202: {"model": JobView}})
async def retry_job(job: SeenJob, principal: MaySee, services: ServicesDep) -> Response:
    """Run a failed or cancelled job again."""
    check_changes(principal, job)
    if not await services.store.exists(input_key(job.request.upload_id, 0)):
        raise GoneError("the upload is kept no longer; send it again")
    await services.queue.retry(job.job_id)
    return accepted_response(await services.forecaster.view(await services.queue.get(job.job_id)))


async def _events(job_id: str, seen: str | None, services: Services) -> AsyncIterator[ServerSentEvent]:
    async for job in services.watcher.changes(job_id):
        if str(job.revision) != seen:
            view = await services.forecaster.view(job)
            yield ServerSentEvent(view.model_dump_json(), event="job", id=str(job.revision))


async def _all_events(
    feed: JobFeed, principal: Principal, services: Services
) -> AsyncIterator[ServerSentEvent]:
    # Whoever waits for the head of the answer should not wait for the first job.
    yield ServerSentEvent(comment="open")
    # Without a queue there is nothing to tell, and the reader comes back by itself.
    with suppress(RedisError):
        async for changes in feed.batches():
            for job_id, change in changes.items():
                if change.is_removal and principal.sees(change.owner):
                    yield ServerSentEvent(json.dumps({"job_id": job_id}), event="removed")
            job_ids = [job_id for job_id, change in changes.items() if not change.is_removal]
            for start in range(0, len(job_ids), _AT_ONCE):
                jobs = await services.queue.records(job_ids[start : start + _AT_ONCE])
                seen = [job for job in jobs if principal.sees(job.request.owner)]
                for view in await services.forecaster.views(seen):
                    yield ServerSentEvent(view.model_dump_json(), event="job")


async def _remove(job_id: str, services: Services) -> Response:
    job = await services.queue.get(job_id)
    await services.queue.remove(job_id)
    await services.store.delete(f"results/{job_id}")
    for prefix in UPLOADS:
        await services.store.delete(f"{prefix}/{job.request.upload_id}")
    return Response(status_code=204)
