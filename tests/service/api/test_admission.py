"""Uploads that are refused because there is no room, or because their sender asks too often."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from starlette.requests import Request

from service.api.uploads import receive_upload
from service.connection import connect
from service.errors import DiskFullError, TooManyRequestsError
from service.folder_store import FolderStore
from service.keys import Keys
from service.pace import Pace
from service.rates import RateLimit
from service.settings import Settings
from service.worker_registry import WorkerRegistry, WorkerStatus
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio


async def post(client: httpx.AsyncClient, seed: int) -> httpx.Response:
    return await client.post("/score", content=png_bytes(seed))


def with_limits(settings: Settings, **limits: object) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **limits})


def files_of(settings: Settings) -> list[str]:
    return [path.name for path in settings.store_dir.rglob("*") if path.is_file()]


async def test_more_bytes_than_may_wait_are_refused_until_some_are_gone(settings: Settings, redis_url: str):
    limit = 3 * len(png_bytes()) // 2
    async with running_app(with_limits(settings, max_queued_bytes=limit), redis_url) as client:
        first = await post(client, 1)
        refused = await post(client, 2)
        assert (refused.status_code, refused.json()["title"]) == (429, "Queue full")
        await client.delete(first.headers["location"])
        assert (await post(client, 2)).status_code == 202


async def test_bytes_of_unknown_number_are_refused_when_they_are_known(settings: Settings, redis_url: str):
    async def pieces() -> AsyncIterator[bytes]:
        yield png_bytes(2)

    limit = 3 * len(png_bytes()) // 2
    async with running_app(with_limits(settings, max_queued_bytes=limit), redis_url) as client:
        await post(client, 1)
        response = await client.post("/score", content=pieces())
    assert response.status_code == 429
    assert len(files_of(settings)) == 1


async def test_an_upload_larger_than_the_limit_has_its_turn_alone(settings: Settings, redis_url: str):
    async with running_app(with_limits(settings, max_queued_bytes=1), redis_url) as client:
        assert [(await post(client, seed)).status_code for seed in (1, 2)] == [202, 429]


async def test_a_retried_job_counts_its_bytes_again(settings: Settings, redis_url: str):
    limit = 3 * len(png_bytes()) // 2
    async with running_app(with_limits(settings, max_queued_bytes=limit), redis_url) as client:
        path = (await post(client, 1)).headers["location"]
        await client.delete(path)
        assert (await post(client, 2)).status_code == 202
        refused = await client.post(f"{path}/retry")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")


async def test_a_finished_job_leaves_no_bytes_behind(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        async with running_worker(settings, redis_url):
            await client.post("/score", content=png_bytes(), headers={"Prefer": "wait=30"})
        assert "atypia_queued_bytes 0.0" in (await client.get("/metrics")).text


async def test_a_full_queue_says_when_to_come_back_by_what_jobs_took(settings: Settings, redis_url: str):
    pace = {"tiny@1.0.0": Pace().after(1000, 100.0)}
    worker = WorkerStatus("slow", 1, "host", "CPU", {}, (), slots=1, pace=pace)
    async with running_app(settings, redis_url) as client:
        paths = [(await post(client, seed)).headers["location"] for seed in (1, 2, 3)]
    async with running_app(with_limits(settings, max_queued=3), redis_url) as client:
        async with redis_of(redis_url) as redis:
            await WorkerRegistry(redis, Keys(settings.key_prefix)).announce(worker)
        refused = await post(client, 4)
        left = [(await client.get(path)).json()["seconds_left"] for path in paths]
    assert left == [100.0, 200.0, 300.0]
    # A tenth of three jobs of 100 s.
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")


async def test_a_disk_that_is_nearly_full_takes_no_upload_but_gives_results(
    settings: Settings, redis_url: str
):
    async with running_app(settings, redis_url) as client:
        path = (await post(client, 1)).headers["location"]
    async with running_app(with_limits(settings, min_free_bytes=2**60), redis_url) as client:
        refused = await post(client, 2)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        assert refused.json()["type"] == "urn:atypia:problem:disk-full"
        assert (await client.get(path)).status_code == 200


async def test_an_upload_that_would_fill_the_disk_is_refused_by_its_length(
    settings: Settings, redis_url: str
):
    free = shutil.disk_usage(settings.data_dir.parent).free
    settings = with_limits(settings, min_free_bytes=free // 2, max_upload_bytes=2**60)
    async with running_app(settings, redis_url) as client:
        response = await client.post("/score", content=b"", headers={"Content-Length": str(free)})
    assert response.status_code == 503


async def test_a_disk_that_becomes_full_stops_an_upload_on_its_way(tmp_path: Path):
    """Of 100 pieces of 1 MiB no more than the first check allows are received, and nothing is kept."""
    sent = 0

    async def receive() -> dict[str, object]:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": bytes(2**20), "more_body": sent < 100}

    def check_room() -> None:
        raise DiskFullError("full", retry_after_s=1)

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(DiskFullError):
        await receive_upload(
            request, FolderStore(tmp_path), max_bytes=2**40, max_files=1, check_room=check_room
        )
    assert sent == 16
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_one_client_sends_no_faster_than_allowed(settings: Settings, redis_url: str):
    settings = with_limits(settings, rate_per_minute=1, rate_burst=2)
    async with running_app(settings, redis_url) as client:
        answers = [await post(client, seed) for seed in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert 0 < int(answers[2].headers["retry-after"]) <= 60
        assert answers[2].json()["type"] == "urn:atypia:problem:too-many-requests"
        assert (await client.get("/jobs")).status_code == 200


async def test_tokens_come_back_with_time_and_each_client_has_its_own(settings: Settings, redis_url: str):
    async with redis_of(redis_url) as redis:
        rates = RateLimit(redis, Keys(settings.key_prefix), per_minute=1200, burst=1)
        await rates.take("one")
        await rates.take("another")
        with pytest.raises(TooManyRequestsError):
            for _ in range(50):
                await rates.take("one")
        await asyncio.sleep(0.06)
        await rates.take("one")


@asynccontextmanager
async def redis_of(url: str) -> AsyncIterator[Redis]:
    redis = connect(url)
    try:
        yield redis
    finally:
        await redis.aclose()
