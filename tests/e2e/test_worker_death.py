"""What a worker's end, gentle or not, does to the job it has in hand."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from service.connection import connect
from service.keys import Keys
from service.settings import Settings
from tests.e2e.processes import PATIENCE_S, start
from tests.service.running_app import running_app
from tests.service.uploads_builder import nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client:
        yield client


def start_worker(settings: Settings, redis_url: str, *, code: str | None = None, **more: str) -> Any:
    return start(
        "worker",
        code=code,
        data_dir=settings.data_dir,
        bundles=settings.bundles[0],
        key_prefix=settings.key_prefix,
        redis_url=redis_url,
        lease_s="1",
        **more,
    )


@asynccontextmanager
async def connected(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect(redis_url)
    try:
        yield redis
    finally:
        await redis.aclose()


async def until(client: httpx.AsyncClient, path: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        job: dict[str, Any] = (await client.get(path)).json()
        if job["state"] in states:
            return job
        await asyncio.sleep(0.05)
    raise AssertionError(f"the job is {job}")


async def send_long_job(client: httpx.AsyncClient, *, slices: int = 300) -> str:
    """About 10 ms a slice."""
    response = await client.post("/score?model=tiny-slow", content=nifti_bytes(0, (40, 40, slices)))
    return str(response.headers["location"])


async def test_a_job_whose_worker_is_killed_is_finished_once_by_the_next(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    path = await send_long_job(client)
    with start_worker(settings, redis_url) as first:
        await until(client, path, "running")
        os.kill(first.pid, signal.SIGKILL)
    with start_worker(settings, redis_url) as second:
        try:
            await until(client, path, "done", "failed")
        finally:
            second.terminate()
    assert (await client.get(path)).json()["state"] == "done"
    assert 'atypia_jobs_total{state="done"} 1.0' in (await client.get("/metrics")).text
    results = sorted(file.name for file in settings.store_dir.glob("results/*/*/*"))
    assert results == ["kept.npy", "reconstruction.npy", "result.json"]


async def test_a_job_that_kills_its_worker_three_times_is_a_dead_letter_until_it_is_sent_again(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    path = await send_long_job(client, slices=100)
    record = Keys(settings.key_prefix).job(path.rsplit("/", 1)[1])
    async with connected(redis_url) as redis:
        for count in ("1", "2", "3"):
            with start_worker(settings, redis_url) as killed:
                while await redis.hget(record, "deliveries") != count:
                    await asyncio.sleep(0.02)
                os.kill(killed.pid, signal.SIGKILL)
    with start_worker(settings, redis_url) as fourth:
        try:
            job = await until(client, path, "failed", "done")
            assert job["error"]["type"] == "urn:atypia:problem:dead-letter"
            assert "stopped its worker 3 times" in job["error"]["detail"]
            assert "atypia_dead_letters 1.0" in (await client.get("/metrics")).text
            with start(
                "jobs", "retry", "--all", redis_url=redis_url, key_prefix=settings.key_prefix
            ) as command:
                command.wait(PATIENCE_S)
            assert (await until(client, path, "done", "failed"))["state"] == "done"
        finally:
            fourth.terminate()


async def test_a_job_longer_than_the_lease_runs_once_beside_an_idle_worker(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    with start_worker(settings, redis_url) as first, start_worker(settings, redis_url) as second:
        path = await send_long_job(client, slices=400)
        job = await until(client, path, "done", "failed")
        first.terminate()
        second.terminate()
    assert job["state"] == "done" and len(list(settings.store_dir.glob("results/*/*"))) == 1
    async with connected(redis_url) as redis:
        assert await redis.hget(Keys(settings.key_prefix).job(job["job_id"]), "deliveries") == "1"


WITH_A_WRONG_CLOCK = """
import datetime, sys, time
from service.cli import main
ahead_s, right = 2 * 86400, time.time
class Ahead(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=ahead_s)
time.time = lambda: right() + ahead_s
for name, module in list(sys.modules.items()):
    if name.startswith("service.") and getattr(module, "datetime", None) is datetime.datetime:
        module.datetime = Ahead
main()
"""


async def test_a_worker_whose_clock_is_two_days_ahead_works_as_any_other(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    path = await send_long_job(client, slices=50)
    with start_worker(settings, redis_url, code=WITH_A_WRONG_CLOCK) as worker:
        job = await until(client, path, "done", "failed")
        worker.terminate()
    took = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])
    assert job["state"] == "done" and took < timedelta(seconds=PATIENCE_S)
    # It sweeps when it starts, and an upload of two days ago would be gone.
    assert len(list(settings.store_dir.glob("cleaned/*/*"))) == 1


async def test_a_stopped_worker_hands_its_job_back_at_once(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    path = await send_long_job(client, slices=1000)
    with start_worker(settings, redis_url, drain_s="0") as first:
        await until(client, path, "running")
        first.terminate()
        job = await until(client, path, "queued", "done")
    assert (job["state"], first.returncode) == ("queued", 0)


async def test_a_stopped_worker_finishes_a_short_job(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    with start_worker(settings, redis_url) as worker:
        path = (await client.post("/score?model=tiny-slow", content=nifti_bytes(0, (40, 40, 60)))).headers[
            "location"
        ]
        await until(client, path, "running")
        worker.terminate()
        assert (await until(client, path, "done", "queued", "failed"))["state"] == "done"


async def test_two_workers_share_the_jobs_and_finish_each_once(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    with start_worker(settings, redis_url) as first, start_worker(settings, redis_url) as second:
        paths = [
            (await client.post("/score", content=png_bytes(seed))).headers["location"] for seed in range(20)
        ]
        states = {(await until(client, path, "done", "failed"))["state"] for path in paths}
        first.terminate()
        second.terminate()
    assert states == {"done"}
    assert 'atypia_jobs_total{state="done"} 20.0' in (await client.get("/metrics")).text
    assert len(list(settings.store_dir.glob("results/*/*/result.json"))) == 20
