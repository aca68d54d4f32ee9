"""Whether images can be scored, and everything that is in the way."""

import asyncio

from pydantic import BaseModel
from redis.exceptions import RedisError

from service.api.services import Services
from service.errors import DiskFullError, NotReadyError, StoreUnreachableError
from service.worker_registry import WorkerStatus

_STORE_TIMEOUT_S = 5


class Readiness(BaseModel):
    """`problems` says of hosts whose workers cannot work why; others have every model all the same."""

    workers: int
    models: list[str]
    problems: list[str]


async def check_ready(services: Services) -> Readiness:
    """Who can work.

    Raises:
        NotReadyError: What is missing.
        DiskFullError: There is no room for uploads.
    """
    services.admission.disk.check()
    await _check_store(services)
    return await _check_workers(services)


async def list_problems(services: Services) -> tuple[bool, list[str]]:
    """Whether images can be scored, and a sentence for each thing that is wrong."""
    problems = []
    try:
        services.admission.disk.check()
    except DiskFullError as error:
        problems.append(str(error))
    try:
        await _check_store(services)
    except NotReadyError as error:
        problems.append(str(error))
    try:
        found = await _check_workers(services)
    except NotReadyError as error:
        return False, [*problems, str(error)]
    return not problems, [*problems, *found.problems]


async def _check_store(services: Services) -> None:
    try:
        async with asyncio.timeout(_STORE_TIMEOUT_S):
            await services.store.check()
    except (StoreUnreachableError, TimeoutError) as error:
        raise NotReadyError("the store does not answer") from error


async def _check_workers(services: Services) -> Readiness:
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


def _missing(services: Services, workers: list[WorkerStatus]) -> str | None:
    if not workers:
        return "no worker is alive, or none has finished loading its models"
    if not len(services.catalog):
        return "no model is installed; ATYPIA_BUNDLES names the folders that hold them"
    loaded = {digest for worker in workers for digest in worker.models.values()}
    missing = [bundle.reference for bundle in services.catalog if bundle.digest not in loaded]
    return f"no live worker has loaded {', '.join(missing)}" if missing else None
