"""Following a job by its stream of events, over as many connections as it takes."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from service.remote.events import EventReader
from service.remote.exchange import Exchange, Flow
from service.remote.job import JobInfo

# The service fills silence with a comment every ATYPIA_HEARTBEAT_S, 15 by default.
_SILENCE_S = 40.0


class Follower:
    """`job` is the newest state that was told. As a sink it ends a stream at its end or the deadline."""

    def __init__(self, path: str, *, deadline: float) -> None:
        """Where the job is, and until when to listen by the monotonic clock."""
        self._path = path
        self._deadline = deadline
        self._reader = EventReader()
        self.job: JobInfo | None = None

    def begin(self) -> None:
        self._reader.forget_rest()

    def take(self, piece: bytes) -> bool:
        self._reader.feed(piece, self._see)
        is_over = self.job is not None and self.job.is_final
        return not is_over and time.monotonic() < self._deadline

    def follow(self) -> Flow[bool]:
        """Listen to one stream, after a former one from where that broke off; whether any event came."""
        seen = self._reader.last_id
        left_s = max(self._deadline - time.monotonic(), 0.01)
        exchange = Exchange(
            "GET",
            f"{self._path}/events",
            headers={"Accept": "text/event-stream", **({"Last-Event-ID": seen} if seen else {})},
            sink=self,
            read_timeout_s=min(_SILENCE_S, left_s),
        )
        # What is wrong is seen when the job itself is asked for.
        with suppress(httpx.RequestError):
            yield exchange
        return self._reader.last_id != seen

    def _see(self, fields: Mapping[str, Any]) -> None:
        self.job = JobInfo.of(fields)
