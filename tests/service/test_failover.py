"""The whole service while the server of its queue changes under it."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from service.keys import Keys
from service.settings import Settings
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import nifti_bytes, png_bytes
from tests.service.valkey_servers import PATIENCE_S, cluster, owner_of, replica_of, sentinel_group

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=30"}


async def until(client: httpx.AsyncClient, path: str, *states: str) -> str:
    """Ask until the job is in one of the states; while there is no master the API has no answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        job = (await client.get(path)).json()
        if job.get("state") in states:
            return str(job["state"])
        assert job.get("status") in (None, 503)
        await asyncio.sleep(0.05)
    raise AssertionError(f"the job is {job}")


async def send_long_job(client: httpx.AsyncClient) -> str:
    """About two seconds."""
    response = await client.post("/score?model=tiny-slow", content=nifti_bytes(0, (40, 40, 200)))
    return str(response.headers["location"])


async def test_a_job_outlives_the_master_that_dies_while_it_runs(settings: Settings, tmp_path: Path):
    with sentinel_group(tmp_path / "valkey") as group:
        async with running_app(settings, group.url) as client, running_worker(settings, group.url):
            path = await send_long_job(client)
            await until(client, path, "running")
            group.master.ask("WAIT", 1, 5000)
            group.master.kill()
            assert await until(client, path, "done", "failed") == "done"
            assert len((await client.get(f"{path}/result")).json()["slices"]) == 200
            assert 'atypia_jobs_total{state="done"} 1.0' in (await client.get("/metrics")).text
            assert group.replica.ask("ROLE")[0] == "master"  # type: ignore[index]
            assert (await client.post("/score", content=png_bytes(), headers=WAIT)).status_code == 200


async def test_a_job_that_waits_outlives_the_master(settings: Settings, tmp_path: Path):
    with sentinel_group(tmp_path / "valkey") as group:
        async with running_app(settings, group.url) as client:
            path = await send_long_job(client)
            group.master.ask("WAIT", 1, 5000)
            group.master.kill()
            async with running_worker(settings, group.url):
                assert await until(client, path, "done", "failed") == "done"


async def test_a_job_outlives_the_end_and_return_of_its_node_in_a_cluster(settings: Settings, tmp_path: Path):
    with cluster(tmp_path / "valkey") as (nodes, url):
        node = owner_of(nodes, Keys(settings.key_prefix).queue)
        async with running_app(settings, url) as client, running_worker(settings, url):
            path = await send_long_job(client)
            await until(client, path, "running")
            await asyncio.sleep(1.1)  # until the append-only file has it
            node.kill()
            await asyncio.sleep(1)
            node.start()
            assert await until(client, path, "done", "failed") == "done"


async def test_in_a_cluster_a_replica_goes_on_with_the_job(settings: Settings, tmp_path: Path):
    with cluster(tmp_path / "valkey") as (nodes, url):
        node = owner_of(nodes, Keys(settings.key_prefix).queue)
        with replica_of(node, tmp_path / "replica") as replica:
            async with running_app(settings, url) as client, running_worker(settings, url):
                path = await send_long_job(client)
                await until(client, path, "running")
                node.ask("WAIT", 1, 5000)
                node.kill()
                assert await until(client, path, "done", "failed") == "done"
                assert replica.ask("ROLE")[0] == "master"  # type: ignore[index]
                assert (await client.post("/score", content=png_bytes(), headers=WAIT)).status_code == 200


async def test_an_event_in_a_cluster_ends_the_wait_for_a_result(settings: Settings, cluster_url: str):
    limited = settings.model_copy(update={"rate_per_minute": 60.0})
    async with running_app(limited, cluster_url) as client, running_worker(limited, cluster_url):
        assert (await client.post("/score", content=png_bytes(), headers=WAIT)).status_code == 200
        assert (await client.get("/readyz")).json()["workers"] == 1
        assert 'atypia_jobs_total{state="done"} 1.0' in (await client.get("/metrics")).text


async def test_a_cluster_that_is_away_is_an_answer_of_503(settings: Settings):
    async with running_app(settings, "redis+cluster://127.0.0.1:9") as client:
        assert (await client.get("/jobs")).status_code == 503
        assert (await client.get("/readyz")).status_code == 503


async def test_sentinels_that_are_away_are_an_answer_of_503(settings: Settings):
    async with running_app(settings, "redis+sentinel://127.0.0.1:9/atypia") as client:
        assert (await client.get("/jobs")).status_code == 503
        assert (await client.get("/readyz")).status_code == 503
