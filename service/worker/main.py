"""A worker process from its settings to its end."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from redis.exceptions import RedisError

from imaging.dicom_audit.codes import APPLICATION
from inference.catalog import Catalog
from inference.errors import InferenceError
from service.audit_trail import AuditTrail, this_process
from service.connection import connect
from service.keys import Keys
from service.open_store import open_store
from service.queue import Queue
from service.sandbox import Sandbox
from service.settings import Settings
from service.sweep import Sweeper
from service.task_end import end_tasks
from service.tracing import open_tracing
from service.worker.batcher import Batcher
from service.worker.loop import Witnesses, Worker
from service.worker.models import Models
from service.worker.pipeline import Pipeline
from service.worker_registry import WorkerRegistry

_PARENT_POLL_S = 0.5


async def run_worker(settings: Settings, redis_url: str, *, is_child: bool = False) -> None:
    """Work until SIGTERM or SIGINT; a child also until its parent is gone.

    Raises:
        BundleError: A bundle is damaged, or does not reproduce its parity file here.
        PlacementError: A graph cannot run where, or in the way that, the settings say.
        StoreUnreachableError: The store does not answer.
    """
    try:
        async with open_worker(settings, redis_url) as worker:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, worker.stop)
            following = asyncio.create_task(_follow(os.getppid(), worker)) if is_child else None
            await worker.run()
            if following is not None:
                following.cancel()
    except InferenceError as error:
        await _tell_broken(settings, redis_url, error)
        raise


@asynccontextmanager
async def open_worker(settings: Settings, redis_url: str) -> AsyncIterator[Worker]:
    """A worker whose models are loaded and checked, and whose decoding processes run.

    Raises:
        BundleError: A bundle is damaged, or does not reproduce its parity file here.
        PlacementError: A graph cannot run where, or in the way that, the settings say.
        StoreUnreachableError: The store does not answer.
    """
    batcher = Batcher(max_batch=settings.max_batch, delay_s=settings.batch_delay_ms / 1000)
    try:
        models = await batcher.call(partial(Models.load, Catalog.of_folders(settings.bundles), settings))
    except InferenceError:
        batcher.close()
        raise
    redis, keys = connect(redis_url), Keys(settings.key_prefix)
    queue = Queue(redis, keys, max_queued=settings.max_queued, max_deliveries=settings.max_deliveries)
    store = open_store(settings)
    tracing, trail = open_tracing(settings, role="worker"), AuditTrail(settings, redis, role="worker")
    pipeline = Pipeline(
        store, models, batcher, sandboxes=_sandboxes(settings), settings=settings, tracing=tracing
    )
    sweeping = asyncio.create_task(Sweeper(queue, store, settings=settings).run())
    try:
        # A worker that cannot reach the store would spoil every job that it takes from the others.
        await store.check()
        await pipeline.warm()
        # A queue that is away now is opened by the worker's loop as soon as it answers.
        with suppress(RedisError):
            await queue.open()
        registry = WorkerRegistry(redis, keys)
        await trail.note("started", [this_process(APPLICATION)])
        witnesses = Witnesses(tracing, trail)
        try:
            yield Worker(queue, registry, pipeline, models=models, settings=settings, witnesses=witnesses)
        finally:
            await trail.note("stopped", [this_process(APPLICATION)])
    finally:
        await end_tasks(sweeping)
        pipeline.close()
        batcher.close()
        await asyncio.to_thread(tracing.close)
        await redis.aclose()


def _sandboxes(settings: Settings) -> list[Sandbox]:
    return [
        Sandbox(timeout_s=settings.decode_timeout_s, memory_bytes=settings.decode_memory_bytes)
        for _ in range(settings.worker_jobs)
    ]


async def _tell_broken(settings: Settings, redis_url: str, error: InferenceError) -> None:
    """Let `/readyz` name the reason: whoever starts this worker again and again hides it in a log."""
    redis = connect(redis_url)
    with suppress(RedisError):
        await WorkerRegistry(redis, Keys(settings.key_prefix)).tell_broken(socket.gethostname(), str(error))
    await redis.aclose()


async def _follow(parent_pid: int, worker: Worker) -> None:
    """Stop the worker when its parent is gone, however that died."""
    while os.getppid() == parent_pid:
        await asyncio.sleep(_PARENT_POLL_S)
    worker.stop()
