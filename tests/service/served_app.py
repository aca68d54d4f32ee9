"""The application behind a real HTTP server on a free port, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn

from service.api.app import create_app
from service.api.bounded_heads import BoundedHeads
from service.settings import Settings


@asynccontextmanager
async def served_app(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it; without any worker."""
    config = uvicorn.Config(
        create_app(settings, redis_url), port=0, log_level="error", access_log=False, http=BoundedHeads
    )
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    # `serve` would take the test's signal handlers.
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
        listener.close()
