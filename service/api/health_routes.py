"""Whether the service lives, whether it can do its work, and what it has done."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.api.access import MayRead
from service.api.measurements import Measurements
from service.api.readiness import Readiness, check_ready
from service.api.score_routes import PROBLEMS
from service.api.services import ServicesDep

router = APIRouter(tags=["health"], responses=PROBLEMS)


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
