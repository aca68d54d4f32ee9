"""The HTTP application: routes, errors and services put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service.api import (
    health_routes,
    job_routes,
    model_routes,
    page_routes,
    result_routes,
    retrieval_routes,
    score_routes,
    stow_routes,
)
from service.api.access import DOCUMENTED
from service.api.audited import AuditedRequests
from service.api.dicomweb_tasks import dicomweb_tasks
from service.api.problem_responses import install_error_handlers
from service.api.protection import ProtectedAnswers
from service.api.requests_counted import CountedRequests, RequestCounter
from service.api.services import open_services
from service.api.traced import TracedRequests
from service.api.trail_task import trail_task
from service.api.trailed import TrailedRequests
from service.audit import AuditLog
from service.dicomweb.servers import Servers
from service.settings import Settings
from service.tracing import open_tracing

_DESCRIPTION = """
Scores medical images against models of what is normal, and shows where an image departs from that.
Research use only: not a medical device, not for diagnosis or patient care.
"""


def create_app(settings: Settings, redis_url: str) -> FastAPI:
    """Put it together; it connects when it starts.

    Raises:
        ServersFileError: The file of DICOMweb servers is wrong.
    """
    counter, servers = RequestCounter(), Servers.read(settings.dicomweb_file)
    tracing = open_tracing(settings, role="api")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings, redis_url, counter, servers) as services:
            app.state.services = services
            async with trail_task(services), dicomweb_tasks(services):
                yield
        # A collector that is away is waited for a while.
        await asyncio.to_thread(tracing.close)

    # Its /docs page comes whole from here: a hospital's network may not reach a CDN.
    app = FastAPIOffline(
        redoc_url=None, title="Atypia", version=_version(), description=_DESCRIPTION, lifespan=lifespan
    )
    install_error_handlers(app)
    if settings.audit_syslog is not None:
        app.add_middleware(TrailedRequests)
    app.add_middleware(AuditedRequests, log=AuditLog(settings.audit_dir))
    app.add_middleware(CountedRequests, counter=counter)
    app.add_middleware(ProtectedAnswers)
    app.add_middleware(TracedRequests, tracing=tracing)
    for routes in (score_routes, stow_routes, retrieval_routes, result_routes, job_routes, model_routes):
        app.include_router(routes.router, dependencies=DOCUMENTED)
    for open_routes in (page_routes, health_routes):
        app.include_router(open_routes.router)
    return app


def _version() -> str:
    try:
        return version("atypia")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"
