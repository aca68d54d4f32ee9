"""`atypia jobs`, `status`, `keys` and `audit`, on the queue of a running service."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.connection import connect
from service.jobs import JobRequest
from service.keys import Keys, make_token
from service.problems import named_problem
from service.queue import Queue
from service.settings import Settings
from service.worker_registry import WorkerRegistry, WorkerStatus

FIRST, SECOND = "a" * 32, "b" * 32

_Result = TypeVar("_Result")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, settings: Settings, redis_url: str) -> None:
    monkeypatch.setenv("ATYPIA_REDIS_URL", redis_url)
    monkeypatch.setenv("ATYPIA_KEY_PREFIX", settings.key_prefix)
    monkeypatch.setenv("ATYPIA_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("COLUMNS", "200")


def atypia(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def shown(*arguments: str) -> Any:
    result = atypia(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def on_queue(use: Callable[[Queue], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        redis = connect(os.environ["ATYPIA_REDIS_URL"])
        queue = Queue(redis, Keys(os.environ["ATYPIA_KEY_PREFIX"]), max_queued=99, max_deliveries=1)
        try:
            await queue.open()
            return await use(queue)
        finally:
            await redis.aclose()

    return asyncio.run(run())


async def sent(queue: Queue, job_id: str = FIRST) -> None:
    await queue.submit(JobRequest(job_id, make_token(), 1, "tiny@1.0.0", "digest", "enforce"))


async def failed(queue: Queue, job_id: str = FIRST) -> None:
    await sent(queue, job_id)
    [delivery] = await queue.take("one", wait_s=1)
    assert await queue.start(delivery)
    await queue.finish(delivery, "failed", error=named_problem("UnreadableImageError", 400, "it is damaged"))


async def dead(queue: Queue, job_id: str = FIRST) -> None:
    """A job that stopped its worker once more than allowed."""
    await sent(queue, job_id)
    [delivery] = await queue.take("one", wait_s=1)
    assert await queue.start(delivery)
    await asyncio.sleep(0.01)
    [again] = await queue.recover("two", lease_s=0.001, count=1)
    assert await queue.start(again) is None


def test_jobs_are_listed_with_why_they_failed():
    on_queue(failed)
    assert "it is damaged" in atypia("jobs", "list").stdout
    assert [job["job_id"] for job in shown("jobs", "list", "--json", "--state", "failed")] == [FIRST]
    assert shown("jobs", "list", "--json", "--state", "done") == []
    assert shown("jobs", "show", FIRST)["error"]["status"] == 400


def test_a_queued_job_is_cancelled():
    on_queue(sent)
    assert atypia("jobs", "cancel", FIRST).stdout == f"{FIRST} is cancelled\n"


def test_dead_letters_are_listed_with_their_reason_and_sent_again():
    on_queue(dead)
    [letter] = shown("jobs", "dead", "--json")
    assert (letter["state"], "stopped its worker" in letter["error"]["detail"]) == ("failed", True)
    assert atypia("jobs", "retry", "--all").exit_code == 0
    assert shown("jobs", "dead", "--json") == []
    assert shown("jobs", "show", FIRST)["state"] == "queued"


def test_a_job_that_cannot_be_tried_again_is_named_and_the_others_are():
    on_queue(failed)
    result = atypia("jobs", "retry", SECOND, FIRST)
    assert (result.exit_code, f"{SECOND}: there is no job" in result.stderr) == (1, True)
    assert shown("jobs", "show", FIRST)["state"] == "queued"


def test_retry_wants_names_or_all_and_not_both():
    assert atypia("jobs", "retry").exit_code == atypia("jobs", "retry", FIRST, "--all").exit_code == 2


def test_the_status_tells_who_works_and_what_waits():
    on_queue(failed)
    on_queue(lambda queue: sent(queue, SECOND))
    assert atypia("status").exit_code == 1

    async def announce(_queue: Queue) -> None:
        redis = connect(os.environ["ATYPIA_REDIS_URL"])
        registry = WorkerRegistry(redis, Keys(os.environ["ATYPIA_KEY_PREFIX"]))
        status = WorkerStatus("w", 7, "host", "CPU", {"tiny@1.0.0": "digest"}, (SECOND,))
        await registry.announce(status)
        await redis.aclose()

    on_queue(announce)
    found = shown("status", "--json")
    assert [(worker["pid"], worker["host"], worker["jobs"]) for worker in found["workers"]] == [
        (7, "host", [SECOND])
    ]
    assert (found["queue_depth"], found["dead_letters"]) == (1, 0)
    assert found["ended_last_minute"] == {"done": 0, "failed": 1, "cancelled": 0}
    assert "1 unfinished" in atypia("status").stdout


def test_keys_are_made_listed_and_revoked_and_the_audit_log_says_so():
    key = atypia("keys", "add", "ct-scanner", "--scope", "score").stdout.strip()
    listing = atypia("keys", "list").stdout
    assert "ct-scanner" in listing and key not in listing
    assert atypia("keys", "revoke", key.split("_")[1]).exit_code == 0
    assert "revoked" not in listing and "revoked" in atypia("keys", "list").stdout
    assert atypia("audit", "verify").stdout == "whole: 2 lines\n"
    assert atypia("keys", "add", "x", "--scope", "everything").exit_code == 2
