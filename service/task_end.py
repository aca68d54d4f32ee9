"""How background tasks are ended for certain.

`asyncio.wait_for` of Python 3.11, which redis-py waits with, now and then swallows a cancellation: a task
that is cancelled once may go on. For the same reason nothing here waits for Redis inside `asyncio.timeout`.
"""

import asyncio

_PATIENCE_S = 0.5


async def end_tasks(*tasks: "asyncio.Task[None]") -> None:
    """Cancel the tasks, again and again, until all of them are over; what they raise is dropped."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _done, running = await asyncio.wait(running, timeout=_PATIENCE_S)
    await asyncio.gather(*tasks, return_exceptions=True)
