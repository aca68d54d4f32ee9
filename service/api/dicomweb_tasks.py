"""What speaks with DICOMweb servers while the application runs; nothing where none is configured."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.api.result_sender import ResultSender
from service.api.retriever import Retriever
from service.api.services import Services
from service.task_end import end_tasks


@asynccontextmanager
async def dicomweb_tasks(services: Services) -> AsyncIterator[None]:
    """Fetch what is asked for by reference, and store results that are owed, until the end."""
    workers = (Retriever(services), ResultSender(services)) if services.servers.are_there else ()
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        await end_tasks(*tasks)
