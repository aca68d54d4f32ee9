"""Slices of several jobs in one batch, with a real graph; a job is told apart by its slices' grey."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from inference.placement import Placement
from inference.session import GraphOutput, Session
from service.worker.batcher import FAIR_TURN, Batcher
from tests.service.bundle_builder import GRAPH

pytestmark = pytest.mark.asyncio


class WatchedSession(Session):
    """Notes which jobs' slices were in each batch; the first batch waits until it is `released`."""

    def __init__(self) -> None:
        super().__init__(GRAPH, placement=Placement(threads=1))
        self.batches: list[list[int]] = []
        self.entered, self.released = threading.Event(), threading.Event()

    def run(self, images: np.ndarray, *, controls: Mapping[str, int] | None = None) -> GraphOutput:
        self.entered.set()
        self.released.wait(10)
        jobs = [int(image.max()) for image in images]
        self.batches.append(jobs)
        if 99 in jobs:
            raise RuntimeError("this slice breaks the graph")
        return super().run(images, controls=controls)


@pytest.fixture
def batcher() -> Iterator[Batcher]:
    batcher = Batcher(max_batch=4, delay_s=0.0)
    yield batcher
    batcher.close()


@pytest.fixture
def session() -> WatchedSession:
    return WatchedSession()


def slices(job: int, count: int, side: int = 8) -> np.ndarray:
    return np.full((count, 1, side, side), job, np.float32)


async def sent(
    batcher: Batcher, session: WatchedSession, images: np.ndarray, **options: Any
) -> "asyncio.Task[GraphOutput]":
    """A job whose slices are in front of the thread when this returns, or with it if they are the first."""
    options = {"priority": 0, "progress": lambda _share: None, **options}
    task = asyncio.create_task(batcher.run(session, images, **options))
    await asyncio.sleep(0)
    if not session.released.is_set():
        await asyncio.to_thread(session.entered.wait, 10)
    return task


async def test_a_job_of_one_slice_goes_into_the_batch_after_the_one_that_is_running(
    batcher: Batcher, session: WatchedSession
):
    long = await sent(batcher, session, slices(1, 100))
    short = await sent(batcher, session, slices(2, 1))
    session.released.set()
    await asyncio.gather(long, short)
    assert [sorted(batch) for batch in session.batches[:2]] == [[1, 1, 1, 1], [1, 1, 1, 2]]
    assert sum(len(batch) for batch in session.batches) == 101


async def test_jobs_share_a_batch_evenly(batcher: Batcher, session: WatchedSession):
    first = await sent(batcher, session, slices(0, 1))
    others = [await sent(batcher, session, slices(job, 4)) for job in (1, 2)]
    session.released.set()
    await asyncio.gather(first, *others)
    assert session.batches[1:] == [[1, 1, 2, 2], [1, 1, 2, 2]]


async def test_a_job_scores_the_same_alone_and_beside_others(batcher: Batcher, session: WatchedSession):
    rng = np.random.default_rng(0)
    images = [rng.random((count, 1, 8, 8), np.float32) for count in (3, 7, 1)]
    tasks = [await sent(batcher, session, one) for one in images]
    session.released.set()
    alone = Session(GRAPH, placement=Placement(threads=1))
    for output, one in zip(await asyncio.gather(*tasks), images, strict=True):
        np.testing.assert_allclose(output.score, alone.run(one).score, rtol=1e-6)
        np.testing.assert_allclose(output.anomaly_map, alone.run(one).anomaly_map, rtol=1e-6, atol=1e-7)


async def test_slices_of_another_size_go_into_a_batch_of_their_own(batcher: Batcher, session: WatchedSession):
    first = await sent(batcher, session, slices(0, 1))
    small, large = (
        await sent(batcher, session, slices(1, 2)),
        await sent(batcher, session, slices(2, 2, side=16)),
    )
    session.released.set()
    await asyncio.gather(first, small, large)
    assert session.batches[1:] == [[1, 1], [2, 2]]


async def test_urgent_jobs_go_first_but_the_longest_wait_ends_too(batcher: Batcher, session: WatchedSession):
    first = await sent(batcher, session, slices(0, 1))
    large = 16  # of another size, so that it has no share in the urgent job's batches
    patient = await sent(batcher, session, slices(1, 1, side=large), priority=1)
    urgent = await sent(batcher, session, slices(2, 4 * 2 * FAIR_TURN), priority=0)
    session.released.set()
    await asyncio.gather(first, patient, urgent)
    place = session.batches.index([1])
    assert 2 < place <= FAIR_TURN


async def test_a_batch_that_fails_fails_its_jobs_and_no_others(batcher: Batcher, session: WatchedSession):
    first = await sent(batcher, session, slices(0, 1))
    broken = await sent(batcher, session, slices(99, 2))
    other = await sent(batcher, session, slices(1, 2, side=16))
    session.released.set()
    with pytest.raises(RuntimeError, match="breaks the graph"):
        await broken
    assert len((await other).score) == 2 and len((await first).score) == 1


async def test_a_stopped_job_takes_no_more_of_the_graph(batcher: Batcher, session: WatchedSession):
    def stop(share: float) -> None:
        raise InterruptedError

    stopped = await sent(batcher, session, slices(1, 100), progress=stop)
    other = await sent(batcher, session, slices(2, 1))
    session.released.set()
    with pytest.raises(InterruptedError):
        await stopped
    await other
    assert session.batches == [[1, 1, 1, 1], [2]]


async def test_a_job_that_nobody_waits_for_is_dropped(batcher: Batcher, session: WatchedSession):
    left = await sent(batcher, session, slices(1, 100))
    other = await sent(batcher, session, slices(2, 1))
    left.cancel()
    await asyncio.sleep(0)
    session.released.set()
    await other
    assert session.batches == [[1, 1, 1, 1], [2]]


async def test_progress_is_the_share_of_slices_that_are_done(batcher: Batcher, session: WatchedSession):
    shares: list[float] = []
    session.released.set()
    await (await sent(batcher, session, slices(1, 10), progress=shares.append))
    assert shares == [0.4, 0.8, 1.0]


async def test_a_batch_with_room_waits_for_a_job_that_is_being_decoded():
    batcher, session = Batcher(max_batch=4, delay_s=5.0), WatchedSession()
    session.released.set()
    with batcher.expecting():
        first = await sent(batcher, session, slices(1, 1))
        assert session.batches == []
        second = await sent(batcher, session, slices(2, 3))
        await asyncio.gather(first, second)
    assert session.batches == [[1, 2, 2, 2]]
    assert (batcher.counts.batches, batcher.counts.slices) == (1, 4)
    batcher.close()


async def test_a_task_runs_in_the_thread_of_the_graphs(batcher: Batcher):
    assert await batcher.call(lambda: threading.current_thread().name) == "inference"


async def test_a_task_that_fails_tells_its_caller_and_leaves_the_thread_alive(batcher: Batcher):
    def fail() -> None:
        raise ValueError("no such graph")

    with pytest.raises(ValueError, match="no such graph"):
        await batcher.call(fail)
    assert await batcher.call(lambda: 1) == 1
