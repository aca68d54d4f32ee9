"""Whether the service lives, whether it can do its work, and what it has done."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from redis.exceptions import RedisError

from service.api.measurements import Measurements
from service.api.score_routes import PROBLEMS
from service.api.services import Services, ServicesDep
from service.errors import NotReadyError
from service.worker_registry import WorkerStatus

router = APIRouter(tags=["health"], responses=PROBLEMS)


class Readiness(BaseModel):
    workers: int
    models: list[str]


@router.get("/", include_in_schema=False)
async def show_docs() -> RedirectResponse:
    return RedirectResponse("docs")


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process answers. `/readyz` says whether images can be scored."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(services: ServicesDep) -> Readiness:
    """The queue answers, and live workers have every installed model loaded and checked; 503 otherwise."""
    return await check_ready(services)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(services: ServicesDep) -> Response:
    """Prometheus metrics of the queue, the workers and the requests to this process."""
    measured = Measurements(await services.queue.status(), await services.registry.alive())
    content = generate_latest(services.counter.registry) + generate_latest(measured)
    return Response(content, media_type=CONTENT_TYPE_LATEST)


async def check_ready(services: Services) -> Readiness:
    """Who can work.

    Raises:
        NotReadyError: What is missing.
    """
    try:
        await services.queue.ping()
        workers = await services.registry.alive()
    except RedisError as error:
        raise NotReadyError("the queue does not answer") from error
    if not workers:
        raise NotReadyError("no worker is alive, or none has finished loading its models")
    _check_models(services, workers)
    return Readiness(workers=len(workers), models=[bundle.reference for bundle in services.catalog])


def _check_models(services: Services, workers: list[WorkerStatus]) -> None:
    if not len(services.catalog):
        raise NotReadyError("no model is installed; ATYPIA_BUNDLES names the folders that hold them")
    loaded = {digest for worker in workers for digest in worker.models.values()}
    if missing := [bundle.reference for bundle in services.catalog if bundle.digest not in loaded]:
        raise NotReadyError(f"no live worker has loaded {', '.join(missing)}")
