"""Which jobs have changed since one reader was last told: ids alone, each once, however often it changed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

# No job is told of more often than every so many seconds.
PACE_S = 0.25
# A reader that is so far behind does better to ask for the list.
MOST_BEHIND = 10_000
# Then whoever reads says anew who it is: its key may be revoked by now.
LONGEST_S = 600.0


@dataclass(frozen=True)
class Change:
    """`state` is the job's, or `removed`; only then `owner` is told, for nobody can look it up any more."""

    state: str
    owner: str

    @property
    def is_removal(self) -> bool:
        return self.state == "removed"


class JobFeed:
    """One reader's; who reads slowly finds the newest state of each job, and none of those between."""

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}
        self._is_over = False
        self._awake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._changes)

    def note(self, job_id: str, change: Change) -> None:
        if self._is_over:
            return
        self._changes[job_id] = change
        self._awake.set()
        if len(self._changes) > MOST_BEHIND:
            self.end()

    def end(self) -> None:
        """What is to come is not whole any more: the reader is to come back and ask for the list."""
        self._is_over = True
        self._changes.clear()
        self._awake.set()

    async def batches(self) -> AsyncIterator[dict[str, Change]]:
        """What has changed, by job id, as soon as something has."""
        until = time.monotonic() + LONGEST_S
        while (left_s := until - time.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), left_s)
            if self._is_over:
                return
            self._awake.clear()
            changes, self._changes = self._changes, {}
            if changes:
                yield changes
                await asyncio.sleep(PACE_S)
