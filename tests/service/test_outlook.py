"""What is said of the time that jobs need; every job of 100 bytes takes 10 s here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.jobs import Job, JobRequest, JobState
from service.outlook import LONGEST_RETRY_S, UNKNOWN_RETRY_S, Outlook
from service.pace import Pace
from service.queue import Waiting
from service.worker_registry import WorkerStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORKER = WorkerStatus("one", 1, "host", "CPU", {}, (), slots=2, pace={"m": Pace().after(100, 10.0)})


def waiting(name: str, *, is_in_hand: bool = False) -> Waiting:
    return Waiting(name, "m", 100, is_in_hand)


def job(name: str, state: JobState = "queued", *, progress: float = 0.0, age_s: float = 0.0) -> Job:
    request = JobRequest(name, "upload", 1, "m", "digest", "enforce", size_bytes=100)
    started_at = NOW - timedelta(seconds=age_s)
    return Job(request, state, "attempt", progress, 1, NOW, None, None, started_at=started_at)


def test_a_job_waits_for_those_before_it_which_run_two_at_a_time():
    outlook = Outlook.of([waiting("a", is_in_hand=True), waiting("b"), waiting("c")], [WORKER])
    # Half of a, then b, each over two places; then its own ten seconds.
    assert outlook.seconds_left(job("b"), NOW) == 2.5 + 10
    assert outlook.seconds_left(job("c"), NOW) == 2.5 + 5 + 10


def test_a_job_that_came_since_waits_at_the_end():
    assert Outlook.of([waiting("a")], [WORKER]).seconds_left(job("new"), NOW) == 5 + 10


@pytest.mark.parametrize("workers", [[], [replace(WORKER, pace={})]])
def test_nobody_knows_without_a_worker_or_before_its_first_job(workers: list[WorkerStatus]):
    outlook = Outlook.of([waiting("a")], workers)
    assert outlook.seconds_left(job("a"), NOW) is None
    assert outlook.total_s is None
    assert outlook.retry_after_s() == UNKNOWN_RETRY_S


def test_a_running_job_is_judged_by_its_own_speed_the_more_the_further_it_is():
    outlook = Outlook.of([waiting("a", is_in_hand=True)], [WORKER])
    assert outlook.seconds_left(job("a", "running", progress=0.1, age_s=50), NOW) == 9.0
    # By its own speed it needs 8 s more, by the others' 2 s.
    assert outlook.seconds_left(job("a", "running", progress=0.8, age_s=32), NOW) == pytest.approx(6.8)


def test_a_running_job_tells_its_time_by_itself_when_none_was_finished_yet():
    outlook = Outlook.of([], [])
    assert outlook.seconds_left(job("a", "running", progress=0.5, age_s=7), NOW) == 7.0
    assert outlook.seconds_left(job("a", "running", progress=0.1, age_s=7), NOW) is None


def test_a_finished_job_has_no_time_left():
    assert Outlook.of([], [WORKER]).seconds_left(job("a", "done"), NOW) is None


def test_a_full_queue_is_worth_another_try_when_a_tenth_of_it_is_done():
    assert Outlook.of([waiting(str(index)) for index in range(100)], [WORKER]).retry_after_s() == 50
    many = [waiting(str(index)) for index in range(5000)]
    assert Outlook.of(many, [WORKER]).retry_after_s() == LONGEST_RETRY_S
