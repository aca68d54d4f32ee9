"""/status: the whole service in one answer, for the page that shows it."""

from fastapi import APIRouter, Request

from service.access.principal import Principal
from service.api.access import MaySee
from service.api.readiness import list_problems
from service.api.score_routes import PROBLEMS
from service.api.services import Services, ServicesDep
from service.service_status import ServiceStatus, WorkerView

router = APIRouter(tags=["health"], responses=PROBLEMS)


class StatusView(ServiceStatus):
    """`problems` are sentences; `seconds_queued` is null where nobody can know."""

    free_bytes: int
    seconds_queued: float | None
    problems: list[str]
    ready: bool
    version: str


@router.get("/status")
async def get_status(request: Request, principal: MaySee, services: ServicesDep) -> StatusView:
    """Workers, queue, what was done and what is wrong; 200 also where no image can be scored."""
    found = await services.status_board.status()
    ready, problems = await list_problems(services)
    return StatusView(
        **{
            **found.model_dump(exclude={"workers"}),
            "workers": await _visible(found.workers, principal, services),
        },
        free_bytes=services.admission.disk.free_bytes,
        seconds_queued=(await services.forecaster.outlook()).total_s,
        problems=problems,
        ready=ready,
        version=request.app.version,
    )


async def _visible(workers: list[WorkerView], principal: Principal, services: Services) -> list[WorkerView]:
    """The workers, with those of their jobs that exist for this principal."""
    if principal.can("read"):
        return workers
    job_ids = [job_id for worker in workers for job_id in worker.jobs]
    jobs = await services.queue.records(job_ids)
    seen = {job.job_id for job in jobs if principal.sees(job.request.owner)}
    return [
        worker.model_copy(update={"jobs": [job_id for job_id in worker.jobs if job_id in seen]})
        for worker in workers
    ]
