"""`/status`: the whole service in one answer, also when it cannot work."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from service.access.api_keys import ApiKeys
from service.api import status_board
from service.connection import connect
from service.keys import Keys
from service.settings import Settings
from service.worker_registry import WorkerRegistry, WorkerStatus
from tests.service.api.test_readiness import until_ready, with_settings
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=60"}


@pytest.fixture(autouse=True)
def no_old_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_board, "_FRESH_S", 0.0)
    monkeypatch.setattr(status_board, "_FRESH_LOOKS", 0)


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client:
        yield client


async def test_it_tells_what_was_done_and_how_it_failed(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    damaged = bytearray(gzip.compress(nifti_bytes()))
    damaged[-8:-4] = bytes(4)  # the checksum, which only the decoder looks at
    async with running_worker(settings, redis_url) as worker:
        await until_ready(client)
        await client.post("/score?model=tiny", content=nifti_bytes(), headers=WAIT)
        failed = await client.post("/score?model=tiny", content=bytes(damaged), headers=WAIT)
        assert failed.status_code == 400
        found = (await client.get("/status")).json()
    assert [(one["worker_id"], one["slots"]) for one in found["workers"]] == [(worker.worker_id, 1)]
    assert set(found["workers"][0]["models"]) == {"tiny@1.0.0", "tiny-slow@1.0.0", "tiny-us@1.0.0"}
    assert found["ended_last_minute"] == {"done": 1, "failed": 1, "cancelled": 0}
    assert found["ended_ever"] == {"done": 1, "failed": 1}
    assert found["failures"] == {"unreadable-image": 1}
    assert found["stage_ms"]["decode"] > 0 and "total" not in found["stage_ms"]
    assert (found["ready"], found["problems"], found["seconds_queued"]) == (True, [], 0)
    assert found["free_bytes"] > 0 and found["version"] == "0.1.0"


async def test_without_workers_and_room_it_answers_all_the_same_and_says_both(
    settings: Settings, redis_url: str
):
    async with running_app(settings, redis_url) as client:
        await client.post("/score?model=tiny&priority=high", content=png_bytes())
    full = with_settings(settings, min_free_bytes=2**60)
    async with running_app(full, redis_url) as client:
        response = await client.get("/status")
    found = response.json()
    assert (response.status_code, found["ready"], found["workers"]) == (200, False, [])
    disk, workers = found["problems"]
    assert "the disk of the store has" in disk and "no worker is alive" in workers
    assert (found["queue_depth"], found["queue_depths"]["high"], found["running"]) == (1, 1, 0)
    assert found["seconds_queued"] is None


async def test_a_key_that_may_not_read_all_gets_no_ids_of_others_jobs(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    redis, keys = connect(redis_url), Keys(settings.key_prefix)
    one, reader = [
        {"Authorization": f"Bearer {await ApiKeys(redis, keys).add('somebody', [scope])}"}
        for scope in ("score", "read")
    ]
    own = (await client.post("/score?model=tiny", content=png_bytes(1), headers=one)).json()["job_id"]
    others = "f" * 32
    status = WorkerStatus("w", 7, "host", "CPU", {"tiny@1.0.0": "digest"}, (own, others), slots=2)
    await WorkerRegistry(redis, keys).announce(status)
    await redis.aclose()

    async def jobs_for(headers: dict[str, str]) -> list[str]:
        [worker] = (await client.get("/status", headers=headers)).json()["workers"]
        jobs: list[str] = worker["jobs"]
        return jobs

    assert (await jobs_for(one), await jobs_for(reader)) == ([own], [own, others])


async def test_one_look_serves_all_who_ask_for_a_while(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(status_board, "_FRESH_S", 60.0)
    assert (await client.get("/status")).json()["queue_depth"] == 0
    await client.post("/score?model=tiny", content=png_bytes())
    assert (await client.get("/status")).json()["queue_depth"] == 0
