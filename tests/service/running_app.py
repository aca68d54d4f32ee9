"""The application and a worker inside the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from service.api.app import create_app
from service.settings import Settings
from service.worker.loop import Worker
from service.worker.main import open_worker


@asynccontextmanager
async def running_app(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application without any worker."""
    app = create_app(settings, redis_url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
            yield client


@asynccontextmanager
async def running_worker(settings: Settings, redis_url: str) -> AsyncIterator[Worker]:
    async with open_worker(settings, redis_url) as worker:
        working = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await working
