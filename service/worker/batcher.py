"""Slices of all running jobs, batched in front of the one thread that runs the graphs.

ONNX Runtime's memory on a GPU grows when `run` comes from several threads, and on a CPU they fight for the
cores: jobs overlap in everything else, but never here. A job with one slice goes into the next batch, however
many slices the job before it has.
"""

import asyncio
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np

from inference.session import GraphOutput, Session

# Every so many batches the job that has waited longest goes first, whatever its priority.
FAIR_TURN = 8


@dataclass(frozen=True)
class BatchCounts:
    """What has been run: their ratio is how full batches are."""

    batches: int
    slices: int


@dataclass
class _Ticket:
    """The slices `(D, C, h, w)` of one job; those before `start` have been given out."""

    session: Session
    slices: np.ndarray
    priority: int
    progress: Callable[[float], None]
    came: float
    turn: int  # when it last had slices in a batch; first come, first served before that
    shown: int = 0
    start: int = 0
    parts: list[GraphOutput] = field(default_factory=list)
    future: "Future[GraphOutput]" = field(default_factory=Future)

    @property
    def bucket(self) -> tuple[int, tuple[int, ...]]:
        """Tickets of one bucket fit into one batch."""
        return id(self.session), self.slices.shape[1:]

    @property
    def left(self) -> int:
        return len(self.slices) - self.start

    def take(self, count: int) -> np.ndarray:
        taken = self.slices[self.start : self.start + count]
        self.start += len(taken)
        return taken

    def add(self, part: GraphOutput) -> None:
        self.parts.append(part)
        done = sum(len(one.score) for one in self.parts)
        try:
            self.progress(done / len(self.slices))
        except Exception as error:  # the job was stopped, or whatever else its owner raises
            self.fail(error)
            return
        if done == len(self.slices):
            with suppress(InvalidStateError):  # cancelled meanwhile
                self.future.set_result(GraphOutput.join(self.parts))

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


_Made = TypeVar("_Made")
_Share = tuple[_Ticket, np.ndarray]


class Batcher:
    """One inference thread; `run` may be called by any number of jobs at once."""

    def __init__(self, *, max_batch: int, delay_s: float) -> None:
        """Start the thread.

        Args:
            delay_s: How long a batch that is not full waits for slices that are being decoded.
        """
        self._max_batch = max_batch
        self._delay_s = delay_s
        self._changed = threading.Condition()
        self._tickets: list[_Ticket] = []
        self._tasks: deque[Callable[[], None]] = deque()
        self._coming = 0
        self._turns = itertools.count()
        self._batches = self._slices = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> BatchCounts:
        return BatchCounts(self._batches, self._slices)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """While a job is on its way here, a batch with room may wait for it."""
        with self._changed:
            self._coming += 1
        try:
            yield
        finally:
            with self._changed:
                self._coming -= 1
                self._changed.notify()

    async def run(
        self,
        session: Session,
        slices: np.ndarray,
        *,
        priority: int,
        progress: Callable[[float], None],
        shown: int = 0,
    ) -> GraphOutput:
        """Run a graph over slices `(D, C, h, w)`, and return its output in their order.

        Args:
            priority: Lower goes first.
            shown: The channel of a reconstruction that is kept.
            progress: Is told the share done, 0 to 1, in the inference thread; may raise to stop, which
                drops the slices that are left, as cancelling does.
        """
        ticket = _Ticket(session, slices, priority, progress, time.monotonic(), next(self._turns), shown)
        with self._changed:
            self._tickets.append(ticket)
            self._changed.notify()
        return await asyncio.wrap_future(ticket.future)

    async def call(self, task: Callable[[], _Made]) -> _Made:
        """Run a task in the inference thread, which is then the only one that a graph has ever seen.

        ONNX Runtime keeps a captured CUDA graph, and the libraries' handles, for the thread that made them.
        """
        future: Future[_Made] = Future()

        def run() -> None:
            try:
                future.set_result(task())
            except Exception as error:  # it is the caller's
                future.set_exception(error)

        with self._changed:
            self._tasks.append(run)
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Stop after the batch that is running."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while work := self._next():
            work()

    def _next(self) -> Callable[[], None] | None:
        """A task, or else the next batch; None when closed."""
        with self._changed:
            while not self._is_closed:
                if self._tasks:
                    return self._tasks.popleft()
                self._tickets = [one for one in self._tickets if one.left and not one.future.done()]
                wait_s = self._wait_s()
                if wait_s == 0:
                    return partial(self._run, self._shares())
                self._changed.wait(wait_s)
            return None

    def _wait_s(self) -> float | None:
        """How long to wait for more: None for any slices at all, 0 when the next batch is due."""
        if not self._tickets:
            return None
        first = self._order()[0]
        waiting = sum(one.left for one in self._tickets if one.bucket == first.bucket)
        if waiting >= self._max_batch or not self._coming or first.start:
            return 0
        return max(0.0, first.came + self._delay_s - time.monotonic())

    def _order(self) -> list[_Ticket]:
        """By priority, and within one the job that had its turn longest ago."""
        if self._batches % FAIR_TURN == FAIR_TURN - 1:
            return sorted(self._tickets, key=lambda one: one.turn)
        return sorted(self._tickets, key=lambda one: (one.priority, one.turn))

    def _shares(self) -> list[_Share]:
        """An even share for each ticket in the bucket of the first, and what is then left in their order."""
        order = self._order()
        fitting = [one for one in order if one.bucket == order[0].bucket][: self._max_batch]
        counts = _split(self._max_batch, [one.left for one in fitting])
        for one in fitting:
            one.turn = next(self._turns)
        return [(one, one.take(count)) for one, count in zip(fitting, counts, strict=True)]

    def _run(self, shares: Sequence[_Share]) -> None:
        session = shares[0][0].session
        batch = np.concatenate([slices for _ticket, slices in shares])
        try:
            output = session.run(batch)
        except Exception as error:  # ONNX Runtime raises a dozen private types
            for ticket, _slices in shares:
                ticket.fail(error)
            return
        finally:
            self._batches += 1
            self._slices += len(batch)
        start = 0
        for ticket, slices in shares:
            rows = slice(start, start + len(slices))
            start = rows.stop
            made = output.made(ticket.shown)
            # All of its channels would be as large as what the network saw.
            kept = None if made is None else made[rows, None].astype(np.float16)
            ticket.add(GraphOutput(output.score[rows], output.anomaly_map[rows], kept))


def _split(room: int, wanted: Sequence[int]) -> list[int]:
    """Divide room as evenly as can be; what one does not want goes to those that come first."""
    even = max(1, room // len(wanted))
    counts = [min(even, number) for number in wanted]
    room -= sum(counts)
    for place, number in enumerate(wanted):
        more = min(room, number - counts[place])
        counts[place] += more
        room -= more
    return counts
