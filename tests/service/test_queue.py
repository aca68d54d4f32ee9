"""The queue's promises: on the embedded server, on Redis where there is one, by Sentinels, in a cluster."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from service.connection import connect
from service.errors import JobNotFoundError, JobStateError, QueueFullError
from service.jobs import JobRequest, JobSummary
from service.keys import Keys, make_token
from service.problems import named_problem
from service.queue import FAIR_TURN, Delivery, Queue, Waiting
from tests.system_packages import lacking

pytestmark = pytest.mark.asyncio

PROBLEM = named_problem("UnreadableImageError", 400, "it is damaged")


@pytest.fixture(scope="module")
def external_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        lacking("redis-server")
    folder = tmp_path_factory.mktemp("external")
    command = [binary, "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        url = f"unix://{folder / 'redis.sock'}"
        _wait_for(url)
        yield url
        server.terminate()


def _wait_for(url: str) -> None:
    for _ in range(200):
        with Redis.from_url(url) as redis:
            try:
                redis.ping()
                return
            except RedisConnectionError:
                time.sleep(0.05)
    raise AssertionError("redis-server does not answer")


@pytest.fixture(params=["redis_url", "external_url", "sentinel_url", "cluster_url", "tls_url"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


@asynccontextmanager
async def opened_queue(url: str, *, max_queued: int) -> AsyncIterator[Queue]:
    redis = connect(url)
    queue = Queue(redis, Keys(f"queue-{make_token()}"), max_queued=max_queued, max_deliveries=3)
    await queue.open()
    try:
        yield queue
    finally:
        await redis.aclose()


@pytest_asyncio.fixture
async def queue(url: str) -> AsyncIterator[Queue]:
    """It has room for three jobs."""
    async with opened_queue(url, max_queued=3) as queue:
        yield queue


@pytest_asyncio.fixture
async def roomy(url: str) -> AsyncIterator[Queue]:
    async with opened_queue(url, max_queued=1000) as queue:
        yield queue


def request_for(job_id: str = "a" * 32) -> JobRequest:
    return JobRequest(job_id, make_token(), 1, "tiny@1.0.0", "digest", "enforce")


async def running(queue: Queue, worker: str = "one") -> Delivery:
    """Submit a job and start it."""
    await queue.submit(request_for())
    [delivery] = await queue.take(worker, wait_s=1)
    assert await queue.start(delivery) is not None
    return delivery


async def test_a_job_sent_before_the_first_worker_exists_is_delivered(queue: Queue):
    await queue.submit(request_for())
    [delivery] = await queue.take("late", wait_s=1)
    assert delivery.job_id == "a" * 32


async def test_opening_twice_changes_nothing(queue: Queue):
    await queue.submit(request_for())
    await queue.open()
    assert len(await queue.take("one", wait_s=1)) == 1


async def test_the_same_request_twice_is_one_job(queue: Queue):
    assert await queue.submit(request_for()) is True
    assert await queue.submit(request_for()) is False
    assert (await queue.status()).depth == 1


async def test_a_repeated_write_of_one_submission_counts_once(queue: Queue):
    request = request_for()
    assert [await queue.submit(request), await queue.submit(request)] == [True, True]
    assert (await queue.status()).depth == 1


async def test_a_failed_job_sent_again_starts_afresh(queue: Queue):
    await queue.finish(await running(queue), "failed", error=PROBLEM)
    assert await queue.submit(request_for()) is True
    job = await queue.get("a" * 32)
    assert (job.state, job.error, job.progress) == ("queued", None, 0)


async def test_a_full_queue_refuses(queue: Queue):
    for letter in "abc":
        await queue.submit(request_for(letter * 32))
    with pytest.raises(QueueFullError, match="3 jobs are waiting"):
        await queue.submit(request_for("d" * 32))
    with pytest.raises(QueueFullError):
        await queue.check_room()


async def test_progress_is_kept_and_never_goes_back(queue: Queue):
    delivery = await running(queue)
    assert await queue.pulse(delivery, 0.5) and await queue.pulse(delivery, 0.25)
    assert (await queue.get(delivery.job_id)).progress == 0.5


async def test_a_silent_workers_job_goes_to_another_which_alone_may_keep_it(queue: Queue):
    first = await running(queue)
    [second] = await queue.recover("two", lease_s=0, count=1)
    assert await queue.start(second) is not None
    assert await queue.pulse(first, 0.1) is False
    assert await queue.pulse(second, 0.1) is True


async def test_a_dead_workers_job_is_found_behind_many_that_are_in_good_hands(roomy: Queue):
    deliveries: list[Delivery] = []
    for number in range(40):
        await roomy.submit(request_for(f"{number:032x}"))
        [delivery] = await roomy.take("one", wait_s=1)
        await roomy.start(delivery)
        deliveries.append(delivery)
    await asyncio.sleep(0.3)
    for delivery in deliveries[:-1]:
        await roomy.pulse(delivery, 0.1)
    [found] = await roomy.recover("two", lease_s=0.3, count=1)
    assert found.job_id == f"{39:032x}"


async def test_jobs_are_taken_by_priority(roomy: Queue):
    for number, priority in enumerate(("low", "normal", "high", "normal")):
        await roomy.submit(replace(request_for(f"{number:032x}"), priority=priority))
    assert (await roomy.status()).depths == {"high": 1, "normal": 2, "low": 1}
    taken = [one.job_id[-1] for _ in range(4) for one in await roomy.take("one", wait_s=1)]
    assert taken == ["2", "1", "3", "0"]


async def test_a_job_of_low_priority_does_not_wait_for_ever(roomy: Queue):
    await roomy.submit(replace(request_for("f" * 32), priority="low"))
    for number in range(FAIR_TURN):
        await roomy.submit(replace(request_for(f"{number:032x}"), priority="high"))
    taken = [one.job_id for _ in range(FAIR_TURN) for one in await roomy.take("one", wait_s=1)]
    assert taken[-1] == "f" * 32


async def test_a_waiting_worker_takes_whatever_comes_first(roomy: Queue):
    taking = asyncio.create_task(roomy.take("one", wait_s=10))
    await asyncio.sleep(0.2)
    await roomy.submit(replace(request_for(), priority="low"))
    [delivery] = await asyncio.wait_for(taking, 2)
    assert await roomy.start(delivery) is not None
    assert await roomy.hand_back(delivery)
    [again] = await roomy.take("one", wait_s=1)
    assert await roomy.start(again) is not None and await roomy.finish(again, "done")
    assert ((await roomy.status()).depth, (await roomy.status()).running) == (0, 0)


async def test_jobs_of_all_priorities_fill_one_queue(queue: Queue):
    for letter, priority in zip("abc", ("low", "normal", "high"), strict=True):
        await queue.submit(replace(request_for(letter * 32), priority=priority, size_bytes=10))
    assert (await queue.status()).queued_bytes == 30
    with pytest.raises(QueueFullError):
        await queue.submit(replace(request_for("d" * 32), priority="high"))
    await queue.cancel("a" * 32)
    await queue.cancel("c" * 32)
    assert ((await queue.status()).depths, (await queue.status()).queued_bytes) == (
        {"high": 0, "normal": 1, "low": 0},
        10,
    )


async def test_jobs_that_were_queued_long_ago_are_told(queue: Queue):
    await queue.submit(replace(request_for(), priority="low"))
    assert await queue.waiting_since(60, count=10) == []
    assert await queue.waiting_since(-5, count=10) == ["a" * 32]


async def test_a_beating_workers_job_is_left_alone(queue: Queue):
    delivery = await running(queue)
    await queue.pulse(delivery, 0.1)
    assert await queue.recover("two", lease_s=60, count=1) == []


async def test_two_workers_on_one_job_finish_it_once(queue: Queue):
    first = await running(queue)
    [second] = await queue.recover("two", lease_s=0, count=1)
    await queue.start(second)
    assert [await queue.finish(first, "done"), await queue.finish(second, "done")] == [True, False]
    status = await queue.status()
    assert (status.depth, status.counters["jobs:done"]) == (0, 1)


async def test_a_job_that_stops_its_worker_three_times_becomes_a_dead_letter(queue: Queue):
    await running(queue)
    for worker in ("two", "three"):
        [delivery] = await queue.recover(worker, lease_s=0, count=1)
        assert await queue.start(delivery) is not None
    [fourth] = await queue.recover("four", lease_s=0, count=1)
    assert await queue.start(fourth) is None
    job = await queue.get(fourth.job_id)
    assert job.state == "failed" and job.error is not None
    assert job.error.detail == "the job stopped its worker 3 times and is not tried again"
    assert ((await queue.status()).dead, (await queue.status()).depth) == (1, 0)


async def test_a_worker_that_takes_its_own_job_up_again_was_not_stopped_by_it(queue: Queue):
    delivery = await running(queue)
    for _ in range(5):
        [delivery] = await queue.recover("one", lease_s=0, count=1)
        assert await queue.start(delivery) is not None
    assert await queue.finish(delivery, "done")


async def test_being_handed_back_forgives_no_worker_that_was_stopped(queue: Queue):
    await running(queue)
    for worker in ("two", "three"):
        [delivery] = await queue.recover(worker, lease_s=0, count=1)
        await queue.start(delivery)
    await queue.hand_back(delivery)
    [again] = await queue.take("four", wait_s=1)
    assert await queue.start(again) is not None
    [last] = await queue.recover("five", lease_s=0, count=1)
    assert await queue.start(last) is None


async def test_a_dead_letter_can_be_tried_again(queue: Queue):
    await test_a_job_that_stops_its_worker_three_times_becomes_a_dead_letter(queue)
    await queue.retry("a" * 32)
    [delivery] = await queue.take("five", wait_s=1)
    assert await queue.start(delivery) is not None
    assert (await queue.status()).dead == 0


async def test_a_cancelled_queued_job_is_never_started(queue: Queue):
    await queue.submit(request_for())
    [delivery] = await queue.take("one", wait_s=1)
    assert await queue.cancel("a" * 32) == "cancelled"
    assert await queue.start(delivery) is None
    assert (await queue.status()).depth == 0


async def test_a_worker_learns_that_its_job_was_cancelled(queue: Queue):
    delivery = await running(queue)
    await queue.cancel(delivery.job_id)
    assert await queue.pulse(delivery, 0.5) is False
    assert await queue.finish(delivery, "done") is False
    assert (await queue.get(delivery.job_id)).state == "cancelled"


async def test_a_late_worker_cannot_finish_a_newer_attempt(queue: Queue):
    late = await running(queue)
    await queue.cancel(late.job_id)
    await queue.retry(late.job_id)
    [newer] = await queue.take("two", wait_s=1)
    assert await queue.start(newer) is not None
    assert await queue.finish(late, "failed", error=PROBLEM) is False
    assert await queue.finish(newer, "done") is True


async def test_a_job_handed_back_is_delivered_again_as_if_for_the_first_time(queue: Queue):
    delivery = await running(queue)
    assert [await queue.hand_back(delivery), await queue.hand_back(delivery)] == [True, False]
    assert (await queue.get(delivery.job_id)).state == "queued"
    [again] = await queue.take("two", wait_s=1)
    assert await queue.start(again) is not None
    assert (await queue.status()).depth == 1


async def test_a_results_summary_comes_with_the_end_and_goes_with_the_result(queue: Queue):
    summary = JobSummary(
        score=0.5, percentile=99, p_value=0.01, pred_label=None, findings=2, warnings=0, slices=1
    )
    delivery = await running(queue)
    assert (await queue.get(delivery.job_id)).summary is None
    await queue.finish(delivery, "done", counters={"stage_ms:infer": 3}, summary=summary)
    assert (await queue.get(delivery.job_id)).summary == summary
    assert (await queue.status()).counters["stage_ms:infer"] == 3
    await queue.expire(delivery.job_id)
    assert (await queue.get(delivery.job_id)).summary is None


async def test_a_finished_job_cannot_be_tried_again(queue: Queue):
    await queue.finish(await running(queue), "done")
    with pytest.raises(JobStateError, match="the job is done"):
        await queue.retry("a" * 32)
    with pytest.raises(JobNotFoundError):
        await queue.retry("b" * 32)


async def test_only_a_finished_job_can_be_removed(queue: Queue):
    delivery = await running(queue)
    assert await queue.remove(delivery.job_id) is False
    await queue.finish(delivery, "done")
    assert await queue.remove(delivery.job_id) is True
    with pytest.raises(JobNotFoundError):
        await queue.get(delivery.job_id)


async def test_recent_jobs_come_newest_first(queue: Queue):
    for letter in "abc":
        await queue.submit(request_for(letter * 32))
    assert [job.job_id[0] for job in await queue.recent(2)] == ["c", "b"]


async def test_an_old_queued_job_expires_and_leaves_the_queue(queue: Queue):
    await queue.submit(request_for())
    assert await queue.older_than(-5, count=10) == ["a" * 32]
    assert await queue.expire("a" * 32) is True
    assert (await queue.get("a" * 32)).state == "expired"
    assert ((await queue.status()).depth, await queue.recent(10)) == (0, [])


async def test_the_bytes_that_wait_are_those_of_unfinished_jobs(queue: Queue):
    for name, size in (("a", 100), ("b", 30), ("c", 7)):
        await queue.submit(replace(request_for(name * 32), size_bytes=size))
    assert (await queue.status()).queued_bytes == 137
    [delivery] = await queue.take("one", wait_s=1)
    assert await queue.start(delivery) is not None
    await queue.hand_back(delivery)
    assert (await queue.status()).queued_bytes == 137
    for _ in range(2):  # as after a dropped connection
        await queue.cancel("a" * 32)
    assert (await queue.status()).queued_bytes == 37
    await queue.retry("a" * 32)
    assert (await queue.status()).queued_bytes == 137
    [delivery] = await queue.take("one", wait_s=1)
    assert await queue.start(delivery) is not None
    for _ in range(2):
        await queue.finish(delivery, "done")
    assert (await queue.status()).queued_bytes == 107
    assert await queue.expire("c" * 32) and (await queue.status()).queued_bytes == 100


async def test_the_jobs_that_wait_are_told_in_their_order(queue: Queue):
    for name, size in (("a", 100), ("b", 30)):
        await queue.submit(replace(request_for(name * 32), size_bytes=size))
    assert len(await queue.take("one", wait_s=1)) == 1
    assert await queue.waiting(10) == [
        Waiting("a" * 32, "tiny@1.0.0", 100, is_in_hand=True),
        Waiting("b" * 32, "tiny@1.0.0", 30, is_in_hand=False),
    ]
