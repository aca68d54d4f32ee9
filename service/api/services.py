"""What the routes work with, made when the application starts and closed when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr
from redis.exceptions import RedisError

from inference.catalog import Catalog
from service.access.api_keys import ApiKeys
from service.access.gate import Gate
from service.api.admission import Admission
from service.api.callback_sender import CallbackSender
from service.api.forecaster import Forecaster
from service.api.requests_counted import RequestCounter
from service.api.status_board import StatusBoard
from service.api.watcher import JobWatcher
from service.audit_trail import AuditTrail
from service.callbacks import AllowList
from service.connection import connect
from service.deliveries import Deliveries
from service.dicomweb.owed_results import OwedResults
from service.dicomweb.retrievals import Retrievals
from service.dicomweb.servers import Servers
from service.disk import Disk
from service.images import get_ready
from service.keys import Keys
from service.open_store import open_store
from service.queue import Queue
from service.rates import RateLimit
from service.sandbox import Sandbox
from service.settings import Settings
from service.store import Store
from service.task_end import end_tasks
from service.worker_registry import WorkerRegistry

# All uploads wait for the one whose headers are being read.
INSPECTION_S = 20.0


@dataclass(frozen=True)
class Services:
    settings: Settings
    catalog: Catalog
    gate: Gate
    queue: Queue
    registry: WorkerRegistry
    watcher: JobWatcher
    store: Store
    sandbox: Sandbox
    drawing_sandbox: Sandbox  # a large map must not hold up the next upload
    counter: RequestCounter
    admission: Admission
    forecaster: Forecaster
    status_board: StatusBoard
    callbacks_allowed: AllowList
    deliveries: Deliveries
    servers: Servers
    retrievals: Retrievals
    owed_results: OwedResults
    trail: AuditTrail


@asynccontextmanager
async def open_services(
    settings: Settings, redis_url: str, counter: RequestCounter, servers: Servers
) -> AsyncIterator[Services]:
    """Connect everything; a Redis that is away now is no reason not to start.

    Raises:
        BundleError: A bundle is damaged.
    """
    redis, keys = connect(redis_url), Keys(settings.key_prefix)
    queue = Queue(
        redis,
        keys,
        max_queued=settings.max_queued,
        max_deliveries=settings.max_deliveries,
        max_queued_bytes=settings.max_queued_bytes,
    )
    registry, store = WorkerRegistry(redis, keys), open_store(settings)
    rates = RateLimit(redis, keys, per_minute=settings.rate_per_minute, burst=settings.rate_burst)
    disk = Disk(store.disk_folder, min_free_bytes=settings.min_free_bytes)
    services = Services(
        settings=settings,
        catalog=Catalog.of_folders(settings.bundles),
        gate=Gate(settings, ApiKeys(redis, keys)),
        queue=queue,
        registry=registry,
        watcher=JobWatcher(redis, keys, queue),
        store=store,
        sandbox=_sandbox(settings, min(settings.decode_timeout_s, INSPECTION_S)),
        drawing_sandbox=_sandbox(settings, settings.decode_timeout_s),
        counter=counter,
        admission=Admission(queue, rates, disk),
        forecaster=Forecaster(queue, registry),
        status_board=StatusBoard(queue, registry),
        callbacks_allowed=AllowList(settings.callback_hosts),
        deliveries=Deliveries(redis, keys),
        servers=servers,
        retrievals=Retrievals(
            redis, keys, most=settings.max_queued, keep_s=round(3600 * settings.keep_results_hours)
        ),
        owed_results=OwedResults(redis, keys),
        trail=AuditTrail(settings, redis, role="api"),
    )
    with suppress(RedisError):
        await queue.open()
    tasks = [
        asyncio.create_task(services.watcher.run()),
        asyncio.create_task(services.sandbox.call(get_ready)),
        asyncio.create_task(services.drawing_sandbox.call(get_ready)),
    ]
    if settings.callback_secret is not None:
        tasks.append(asyncio.create_task(_sender_of(services, settings.callback_secret).run()))
    try:
        yield services
    finally:
        await end_tasks(*tasks)
        services.sandbox.close()
        services.drawing_sandbox.close()
        await redis.aclose()


def _sandbox(settings: Settings, timeout_s: float) -> Sandbox:
    return Sandbox(timeout_s=timeout_s, memory_bytes=settings.decode_memory_bytes)


def _sender_of(services: Services, secret: SecretStr) -> CallbackSender:
    return CallbackSender(
        services.queue,
        services.deliveries,
        services.callbacks_allowed,
        secret=secret.get_secret_value(),
        most_tries=services.settings.callback_tries,
    )


def _services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services_of)]
