"""A worker process from its settings to its end."""

import asyncio
import os
import signal

from inference.catalog import Catalog
from service.connection import connect
from service.keys import Keys
from service.queue import Queue
from service.sandbox import Sandbox
from service.settings import Settings
from service.store import Store
from service.sweep import Sweeper
from service.worker.inference import Models
from service.worker.loop import Worker
from service.worker.pipeline import Pipeline
from service.worker_registry import WorkerRegistry

_PARENT_POLL_S = 0.5


async def run_worker(settings: Settings, redis_url: str, *, is_child: bool = False) -> None:
    """Load the models, work until SIGTERM or SIGINT; a child also until its parent is gone.

    Raises:
        BundleError: A bundle is damaged, or does not reproduce its parity file here.
    """
    models = Models.load(Catalog.of_folders(settings.bundles), settings)
    redis, keys = connect(redis_url), Keys(settings.key_prefix)
    queue = Queue(redis, keys, max_queued=settings.max_queued, max_deliveries=settings.max_deliveries)
    store = Store(settings.store_dir)
    pipeline = Pipeline(store, models, sandboxes=_sandboxes(settings), limits=settings.limits)
    registry = WorkerRegistry(redis, keys)
    worker = Worker(queue, registry, pipeline, models=models, settings=settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    others = [asyncio.create_task(Sweeper(queue, store, settings=settings).run())]
    if is_child:
        others.append(asyncio.create_task(_follow(os.getppid(), worker)))
    try:
        await queue.open()
        await pipeline.warm()
        await worker.run()
    finally:
        for task in others:
            task.cancel()
        pipeline.close()
        models.close()
        await redis.aclose()


def _sandboxes(settings: Settings) -> list[Sandbox]:
    return [
        Sandbox(timeout_s=settings.decode_timeout_s, memory_bytes=settings.decode_memory_bytes)
        for _ in range(settings.worker_jobs)
    ]


async def _follow(parent_pid: int, worker: Worker) -> None:
    """Stop the worker when its parent is gone, however that died."""
    while os.getppid() == parent_pid:
        await asyncio.sleep(_PARENT_POLL_S)
    worker.stop()
