"""Two machines that share a queue and a bucket, and no folder."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store
from redis import Redis

from service.keys import Keys
from tests.e2e.processes import PATIENCE_S, address_of, running, wait_for_state
from tests.service.uploads_builder import nifti_bytes, png_bytes
from tests.service.valkey_servers import valkey_server


class Machine:
    """An API and a worker with a data folder of their own."""

    def __init__(self, stack: ExitStack, folder: Path, **shared: str | Path) -> None:
        own: dict[str, str | Path] = {**shared, "data_dir": folder, "worker_jobs": "1", "lease_s": "1"}
        self._folder = folder
        self.worker_pid = stack.enter_context(running("worker", **own)).pid
        api = stack.enter_context(running("api", port="0", **own))
        self.client = stack.enter_context(httpx.Client(base_url=address_of(api), timeout=PATIENCE_S))

    def send(self, content: bytes, model: str) -> str:
        return str(self.client.post(f"/score?model={model}", content=content).headers["location"])

    def get(self, path: str) -> bytes:
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.content

    @property
    def left_behind(self) -> list[Path]:
        return [*(self._folder / "scratch").iterdir(), *self._folder.glob("store")]


@pytest.fixture(scope="module")
def queue_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey_server(tmp_path_factory.mktemp("queue")) as server:
        yield f"redis://127.0.0.1:{server.port}"


@pytest.fixture
def machines(tmp_path: Path, bundles: Path, bucket_url: str, queue_url: str) -> Iterator[list[Machine]]:
    shared: dict[str, str | Path] = {
        "bundles": bundles,
        "redis_url": queue_url,
        "key_prefix": bucket_url,
        "store_url": bucket_url,
        "store_allow_http": "true",
    }
    with ExitStack() as stack:
        found = [Machine(stack, tmp_path / name, **shared) for name in ("one", "two")]
        wait_for_workers(found[0].client, len(found))
        yield found


def wait_for_workers(client: httpx.Client, count: int) -> None:
    """An API is ready with one of them; the other would find nothing left to do."""
    deadline = time.monotonic() + PATIENCE_S
    while client.get("/readyz").json().get("workers") != count:
        assert time.monotonic() < deadline, client.get("/readyz").text
        time.sleep(0.1)


def worker_of(path: str, queue_url: str, bucket_url: str) -> int:
    """The process that has the job in hand."""
    key = Keys(bucket_url).job(path.rsplit("/", 1)[1])
    with Redis.from_url(queue_url, decode_responses=True) as redis:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if worker := redis.hget(key, "worker"):
                return int(str(worker).split("-")[-2])
            time.sleep(0.02)
    raise AssertionError("no worker has the job")


def test_what_is_sent_to_one_machine_can_be_read_from_the_other(machines: list[Machine]):
    one, two = machines
    path = one.send(png_bytes(1), "tiny")
    assert two.send(png_bytes(1), "tiny") == path
    assert wait_for_state(two.client, path, "done", "failed")["state"] == "done"
    forms = ("result.json", "result/overlay.png", "result/overlay.png?slice=0", "result.zip")
    for form in forms:
        assert two.get(f"{path}/{form}") == one.get(f"{path}/{form}")
    assert one.client.delete(path).status_code == 204
    assert two.client.get(path).status_code == 404
    assert one.left_behind == two.left_behind == []


def test_either_worker_takes_a_job_and_one_that_is_killed_leaves_it_to_the_other(
    machines: list[Machine], queue_url: str, bucket_url: str
):
    paths = [
        machine.send(nifti_bytes(seed, (40, 40, 300)), "tiny-slow") for seed, machine in enumerate(machines)
    ]
    workers = [worker_of(path, queue_url, bucket_url) for path in paths]
    assert set(workers) == {machine.worker_pid for machine in machines}
    os.kill(workers[0], signal.SIGKILL)
    for path in paths:
        for machine in machines:
            assert wait_for_state(machine.client, path, "done", "failed")["state"] == "done"
            assert len(machine.client.get(f"{path}/result").json()["slices"]) == 300
    assert b'atypia_jobs_total{state="done"} 2.0' in machines[0].get("/metrics")
    names = [found["path"].split("/")[-1] for batch in obstore.list(results(bucket_url)) for found in batch]
    assert sorted(names) == sorted(2 * ["kept.npy", "reconstruction.npy", "result.json"])


def results(bucket_url: str) -> S3Store:
    return S3Store.from_url(f"{bucket_url}/results", client_options={"allow_http": True})
