"""What becomes of jobs when the queue's server, or the way to it, fails in the middle of everything."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from service.jobs import FINAL_STATES, JobRequest
from service.queue import Queue
from service.settings import Settings
from tests.service.queue_servers import QueueServer, binary_of, dropping_replies
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio

PATIENCE_S = 60.0


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[QueueServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = QueueServer(binary_of(request.param), folder)
    yield server
    server.stop()


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """The job when it is final, whatever the service answers on the way there."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = await client.get(path)
        if answer.status_code == 200 and answer.json()["state"] in FINAL_STATES:
            found: dict[str, Any] = answer.json()
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(answer.text)


def results_of(settings: Settings, job: dict[str, Any]) -> int:
    return len(list(settings.store_dir.glob(f"results/{job['job_id']}/*/result.json")))


async def send_mixed(client: httpx.AsyncClient) -> list[str]:
    """A job that takes seconds, which is running when this returns, and three that wait behind it."""
    bodies = [nifti_bytes(0, (40, 40, 200)), *(png_bytes(seed) for seed in range(3))]
    paths = [
        (await client.post("/score?model=tiny-slow", content=body)).headers["location"] for body in bodies
    ]
    while (await client.get(paths[0])).json()["state"] != "running":
        await asyncio.sleep(0.02)
    return paths


@pytest.mark.parametrize("fault", ["stop", "kill"])
async def test_a_server_that_goes_in_mid_job_and_comes_back_has_lost_and_doubled_nothing(
    server: QueueServer, settings: Settings, fault: str
):
    async with running_app(settings, server.url) as client, running_worker(settings, server.url):
        paths = await send_mixed(client)
        getattr(server, fault)()
        assert (await client.post("/score", content=png_bytes(9))).status_code == 503
        await asyncio.sleep(1)
        server.start()
        jobs = [await ended(client, path) for path in paths]
        assert [(job["state"], results_of(settings, job)) for job in jobs] == [("done", 1)] * 4
        assert 'atypia_jobs_total{state="done"} 4.0' in (await client.get("/metrics")).text


async def test_an_upload_whose_submission_got_no_answer_is_there_for_its_job(
    server: QueueServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    submit = Queue.submit

    async def without_answer(queue: Queue, request: JobRequest) -> bool:
        await submit(queue, request)
        raise RedisConnectionError

    async with running_app(settings, server.url) as client:
        monkeypatch.setattr(Queue, "submit", without_answer)
        assert (await client.post("/score", content=png_bytes())).status_code == 503
        monkeypatch.undo()
        answer = await client.post("/score", content=png_bytes())
        async with running_worker(settings, server.url):
            assert (await ended(client, answer.headers["location"]))["state"] == "done"


async def test_connections_that_drop_after_the_write_double_nothing(server: QueueServer, settings: Settings):
    async with (
        dropping_replies(server.port, every=7) as url,
        running_app(settings, url) as client,
        running_worker(settings, url),
    ):
        paths = []
        for seed in range(30):
            answer = await client.post("/score", content=png_bytes(seed))
            while answer.status_code == 503:  # as the answer asks its sender to
                answer = await client.post("/score", content=png_bytes(seed))
            paths.append(answer.headers["location"])
        jobs = [await ended(client, path) for path in paths]
    assert {job["state"] for job in jobs} == {"done"} and len({job["job_id"] for job in jobs}) == 30
    async with running_app(settings, server.url) as client:
        assert 'atypia_jobs_total{state="done"} 30.0' in (await client.get("/metrics")).text
        assert 'atypia_queue_depth{priority="normal"} 0.0' in (await client.get("/metrics")).text
