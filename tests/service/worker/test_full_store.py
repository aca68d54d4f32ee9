import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.errors import StoreFullError
from service.folder_store import FolderStore
from service.sandbox import Sandbox
from service.settings import Settings
from service.worker import loop
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full"),
]

FULL = Path("/dev/full")


async def test_a_job_whose_result_does_not_fit_waits_until_it_does(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    full = True
    scratch = FolderStore.scratch

    @contextmanager
    def without_room(store: FolderStore) -> Iterator[Path]:
        with scratch(store) as path:
            yield FULL if full else path

    monkeypatch.setattr(FolderStore, "scratch", without_room)
    monkeypatch.setattr(loop, "STORE_PAUSE_S", 0.3)
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        path = (await client.post("/score", content=png_bytes())).headers["location"]
        seen = []
        for _ in range(40):
            seen.append((await client.get(path)).json()["state"])
            await asyncio.sleep(0.05)
        assert set(seen) <= {"queued", "running"}
        full = False
        while (await client.get(path)).json()["state"] in ("queued", "running"):
            await asyncio.sleep(0.05)
        assert (await client.get(path)).json()["state"] == "done"


def write(file: object) -> None:
    file.write(bytes(10))  # type: ignore[attr-defined]  # an open file


async def test_a_full_disk_is_no_damaged_image():
    sandbox = Sandbox(timeout_s=10, memory_bytes=2**28)
    try:
        with pytest.raises(StoreFullError):
            await sandbox.call(write, into=[FULL])
    finally:
        sandbox.close()
