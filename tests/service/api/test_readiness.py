"""`/readyz`: what must be there before images are sent, and what it says when it is not."""

import asyncio
import hashlib
import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from inference.errors import BundleError
from service.settings import Settings
from service.worker.main import run_worker
from tests.service.bundle_builder import make_bundle
from tests.service.running_app import running_app, running_worker

pytestmark = pytest.mark.asyncio


async def detail_of(client: httpx.AsyncClient) -> str:
    response = await client.get("/readyz")
    assert response.status_code == 503
    return str(response.json()["detail"])


def with_settings(settings: Settings, **changed: object) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **changed})


def break_parity(bundle: Path) -> None:
    """Another score in the parity file than the graph has, and a manifest that agrees with the file."""
    with np.load(bundle / "parity.npz") as parity:
        arrays = dict(parity)
    np.savez(bundle / "parity.npz", **{**arrays, "score": arrays["score"] + 1})
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"]["parity.npz"] = hashlib.sha256((bundle / "parity.npz").read_bytes()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest))


async def test_it_is_ready_while_a_worker_has_every_model(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        assert "no worker is alive" in await detail_of(client)
        async with running_worker(settings, redis_url):
            response = await until_ready(client)
            assert (response["workers"], response["problems"]) == (1, [])
        assert "no worker is alive" in await detail_of(client)


async def until_ready(client: httpx.AsyncClient) -> dict[str, object]:
    for _ in range(400):
        response = await client.get("/readyz")
        if response.status_code == 200:
            found: dict[str, object] = response.json()
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(response.text)


async def test_a_failed_parity_gate_is_named_until_the_bundle_is_mended(
    settings: Settings, redis_url: str, tmp_path: Path
):
    bundle = make_bundle(tmp_path / "bundles")
    whole = (bundle / "parity.npz").read_bytes(), (bundle / "manifest.json").read_bytes()
    break_parity(bundle)
    settings = with_settings(settings, bundles=(tmp_path / "bundles",))
    with pytest.raises(BundleError):
        await run_worker(settings, redis_url)
    async with running_app(settings, redis_url) as client:
        assert "tiny@1.0.0 does not reproduce its parity file" in await detail_of(client)
    (bundle / "parity.npz").write_bytes(whole[0])
    (bundle / "manifest.json").write_bytes(whole[1])
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        assert (await until_ready(client))["problems"] == []


async def test_it_is_not_ready_while_redis_is_away(settings: Settings, tmp_path: Path):
    async with running_app(settings, f"unix://{tmp_path / 'nobody.sock'}") as client:
        assert "the queue does not answer" in await detail_of(client)
        assert (await client.get("/healthz")).status_code == 200


async def test_it_is_not_ready_with_a_full_disk(settings: Settings, redis_url: str):
    settings = with_settings(settings, min_free_bytes=2**60)
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        assert "the disk of the store has" in await detail_of(client)
