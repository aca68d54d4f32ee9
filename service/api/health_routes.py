"""Whether the service lives, whether it can do its work, and what it has done."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from redis.exceptions import RedisError

from service.api.access import MayRead
from service.api.measurements import Measurements
from service.api.score_routes import PROBLEMS
from service.api.services import Services, ServicesDep
from service.errors import NotReadyError, StoreUnreachableError
from service.worker_registry import WorkerStatus

_STORE_TIMEOUT_S = 5

router = APIRouter(tags=["health"], responses=PROBLEMS)


class Readiness(BaseModel):
    """`problems` says of hosts whose workers cannot work why; others have every model all the same."""

    workers: int
    models: list[str]
    problems: list[str]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process answers. `/readyz` says whether images can be scored."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(services: ServicesDep) -> Readiness:
    """Redis and the store answer, the disk has room, live workers have all models checked; 503 otherwise."""
    return await check_ready(services)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(_principal: MayRead, services: ServicesDep) -> Response:
    """Prometheus metrics of the queue, the workers and the requests to this process."""
    measured = Measurements(
        await services.queue.status(),
        await services.registry.alive(),
        seconds_queued=(await services.forecaster.outlook()).total_s,
        free_bytes=services.admission.disk.free_bytes,
        audit_owed=await services.trail.owed.count() if services.trail.is_on else 0,
    )
    content = generate_latest(services.counter.registry) + generate_latest(measured)
    return Response(content, media_type=CONTENT_TYPE_LATEST)


async def check_ready(services: Services) -> Readiness:
    """Who can work.

    Raises:
        NotReadyError: What is missing.
        DiskFullError: There is no room for uploads.
    """
    services.admission.disk.check()
    await _check_store(services)
    try:
        await services.queue.ping()
        workers = await services.registry.alive()
        broken = await services.registry.broken()
    except RedisError as error:
        raise NotReadyError("the queue does not answer") from error
    problems = [f"a worker on {host} cannot work: {problem}" for host, problem in sorted(broken.items())]
    missing = _missing(services, workers)
    if missing is not None:
        raise NotReadyError("; ".join((missing, *problems)))
    models = [bundle.reference for bundle in services.catalog]
    return Readiness(workers=len(workers), models=models, problems=problems)


async def _check_store(services: Services) -> None:
    try:
        async with asyncio.timeout(_STORE_TIMEOUT_S):
            await services.store.check()
    except (StoreUnreachableError, TimeoutError) as error:
        raise NotReadyError("the store does not answer") from error


def _missing(services: Services, workers: list[WorkerStatus]) -> str | None:
    if not workers:
        return "no worker is alive, or none has finished loading its models"
    if not len(services.catalog):
        return "no model is installed; ATYPIA_BUNDLES names the folders that hold them"
    loaded = {digest for worker in workers for digest in worker.models.values()}
    missing = [bundle.reference for bundle in services.catalog if bundle.digest not in loaded]
    return f"no live worker has loaded {', '.join(missing)}" if missing else None
