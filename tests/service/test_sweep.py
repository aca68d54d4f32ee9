import asyncio
import os
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from service.connection import connect
from service.folder_store import FolderStore
from service.keys import Keys
from service.queue import Queue
from service.settings import Settings
from service.sweep import Sweeper
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio


async def sweep(settings: Settings, redis_url: str, *, hours_later: float) -> None:
    redis = connect(redis_url)
    queue = Queue(redis, Keys(settings.key_prefix), max_queued=9, max_deliveries=3)
    await Sweeper(queue, FolderStore(settings.store_dir), settings=settings).sweep(
        datetime.now(UTC) + timedelta(hours=hours_later)
    )
    await redis.aclose()


async def scored(client: httpx.AsyncClient) -> str:
    response = await client.post("/score", content=png_bytes(), headers={"Prefer": "wait=30"})
    return str(response.json()["links"]["self"])


async def test_an_upload_goes_first_and_the_result_stays(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        path = await scored(client)
        await sweep(settings, redis_url, hours_later=25)
        assert (await client.get(f"{path}/result")).status_code == 200
        assert list((settings.store_dir).glob("inputs/*/*")) == []
        for link in ("overlay.png", "anomaly_map.nii.gz"):
            assert (await client.get(f"{path}/result/{link}")).status_code == 200
        assert (await client.get(f"{path}/result/overlay.png?slice=0")).status_code == 410


async def test_what_a_killed_process_left_half_done_is_removed(settings: Settings, redis_url: str):
    with FolderStore(settings.store_dir).scratch() as path:
        path.write_bytes(b"half of a map")
        for age_h, is_kept in ((23, True), (25, False)):
            os.utime(path, (0, time.time() - 3600 * age_h))
            await sweep(settings, redis_url, hours_later=0)
            assert path.exists() == is_kept


async def test_a_result_that_is_too_old_expires_and_can_be_made_again(settings: Settings, redis_url: str):
    soon = settings.model_copy(update={"keep_results_hours": 1e-9})
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        path = await scored(client)
        while (await client.get(path)).json()["state"] == "done":
            await sweep(soon, redis_url, hours_later=0)
        assert (await client.get(path)).json()["state"] == "expired"
        assert (await client.get(f"{path}/result")).status_code == 410
        assert await scored(client) == path
        assert (await client.get(f"{path}/result")).status_code == 200


async def test_a_job_that_waited_too_long_expires_untried(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        path = (await client.post("/score?priority=low", content=png_bytes())).json()["links"]["self"]
        await sweep(settings, redis_url, hours_later=0)
        assert (await client.get(path)).json()["state"] == "queued"
        soon = settings.model_copy(update={"expire_queued_hours": 1e-9})
        while (await client.get(path)).json()["state"] == "queued":
            await sweep(soon, redis_url, hours_later=0)
        assert (await client.get(path)).json()["state"] == "expired"
        assert 'atypia_queue_depth{priority="low"} 0.0' in (await client.get("/metrics")).text


async def test_a_job_whose_upload_is_gone_expires_instead_of_failing(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        path = (await client.post("/score", content=png_bytes())).json()["links"]["self"]
        await sweep(settings, redis_url, hours_later=25)
        async with running_worker(settings, redis_url):
            while (await client.get(path)).json()["state"] in {"queued", "running"}:
                await asyncio.sleep(0.02)
        response = await client.get(f"{path}/result")
        assert (response.status_code, "send it again" in response.json()["detail"]) == (410, True)
