"""What tells the audit record repository while the application runs; nothing where none is configured."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imaging.dicom_audit.codes import APPLICATION
from service.api.services import Services
from service.api.trail_sender import TrailSender
from service.audit_trail import this_process
from service.task_end import end_tasks


@asynccontextmanager
async def trail_task(services: Services) -> AsyncIterator[None]:
    """Say that the application starts and stops, and send what is owed until then; the rest later."""
    repository, trail = services.settings.audit_repository, services.trail
    if repository is None:
        yield
        return
    await trail.note("started", [this_process(APPLICATION)])
    sending = asyncio.create_task(TrailSender(trail, repository).run())
    try:
        yield
    finally:
        await trail.note("stopped", [this_process(APPLICATION)])
        await end_tasks(sending)
