"""Callbacks to a real server: signed, tried again, kept across restarts, given up in the end."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from service.connection import connect
from service.deliveries import Deliveries, OwedCallback
from service.keys import Keys
from service.settings import Settings
from tests.service.callback_server import callback_server
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio

SECRET = "of sixteen characters or more"
PAGE = (Path(__file__).parents[3] / "docs" / "operate.md").read_text()


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("service.api.callback_sender.pause_s", lambda _tries: 0.0)
    changed = {"callback_hosts": ("127.0.0.1", "localhost"), "callback_secret": SECRET, "callback_tries": 3}
    return Settings.model_validate({**settings.model_dump(), **changed})


async def post(client: httpx.AsyncClient, url: str, seed: int = 0) -> httpx.Response:
    return await client.post("/score", files={"file": png_bytes(seed)}, data={"callback": url})


async def until_counted(client: httpx.AsyncClient, outcome: str) -> None:
    line = f'atypia_callbacks_total{{outcome="{outcome}"}} 1.0'
    for _ in range(1200):
        if line in (await client.get("/metrics")).text:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"no callback is {outcome}")


def documented_check() -> Callable[[str, str, bytes], bool]:
    """`is_genuine` as the page for operators has it."""
    [source] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Callable[[str, str, bytes], bool]] = {}
    exec(source, names)
    return names["is_genuine"]


async def test_the_end_of_a_job_is_told_with_a_signature_that_the_documented_check_accepts(
    settings: Settings, redis_url: str
):
    async with callback_server() as server, running_app(settings, redis_url) as client:
        path = (await post(client, server.url)).headers["location"]
        async with running_worker(settings, redis_url):
            await server.until(1)
        await until_counted(client, "delivered")
        [received] = server.received
        assert json.loads(received.body) == (await client.get(path)).json()
    assert (received.target, received.headers["content-type"]) == ("/atypia?study=1", "application/json")
    is_genuine, signature = documented_check(), received.headers["x-atypia-signature"]
    assert is_genuine(SECRET, signature, received.body)
    assert not is_genuine(SECRET, signature, received.body + b" ")
    assert not is_genuine("another secret of the same length", signature, received.body)


async def test_a_job_that_had_ended_already_is_told_at_once(settings: Settings, redis_url: str):
    async with callback_server() as server, running_app(settings, redis_url) as client:
        async with running_worker(settings, redis_url):
            await client.post("/score", content=png_bytes(), headers={"Prefer": "wait=30"})
        await post(client, server.url)
        await server.until(1)
    assert json.loads(server.received[0].body)["state"] == "done"


async def test_a_receiver_that_fails_or_redirects_is_tried_again_at_its_own_url(
    settings: Settings, redis_url: str
):
    async with callback_server(500, 302, 200) as server, running_app(settings, redis_url) as client:
        await client.delete((await post(client, server.url)).headers["location"])
        await until_counted(client, "delivered")
    assert [received.target for received in server.received] == ["/atypia?study=1"] * 3
    assert len({received.headers["x-atypia-delivery"] for received in server.received}) == 1


async def test_a_callback_is_given_up_in_the_end_and_counted(
    settings: Settings, redis_url: str, caplog: pytest.LogCaptureFixture
):
    async with callback_server(503) as server, running_app(settings, redis_url) as client:
        await client.delete((await post(client, server.url)).headers["location"])
        await until_counted(client, "given-up")
    assert len(server.received) == 3
    assert "is given up: the host answers 503" in caplog.text and "study=1" not in caplog.text


async def test_a_callback_outlives_the_service(settings: Settings, redis_url: str):
    async with callback_server() as server:
        async with running_app(settings, redis_url) as client:
            await post(client, server.url)
        async with running_worker(settings, redis_url), running_app(settings, redis_url) as client:
            await until_counted(client, "delivered")
    assert len(server.received) == 1


async def test_several_senders_send_a_callback_once(settings: Settings, redis_url: str):
    async with (
        callback_server() as server,
        running_app(settings, redis_url) as client,
        running_app(settings, redis_url),
        running_app(settings, redis_url),
    ):
        for seed in range(5):
            await client.delete((await post(client, server.url, seed)).headers["location"])
        await server.until(5)
        await asyncio.sleep(1.5)
    assert len(server.received) == 5


async def test_a_callback_in_hand_is_left_to_the_next_only_after_its_lease(
    settings: Settings, redis_url: str
):
    redis = connect(redis_url)
    deliveries = Deliveries(redis, Keys(settings.key_prefix))
    async with running_app(settings.model_copy(update={"callback_secret": None}), redis_url) as client:
        path = (await client.post("/score", content=png_bytes())).headers["location"]
        await client.delete(path)
        await deliveries.owe(OwedCallback(path.rsplit("/", 1)[1], "http://127.0.0.1/"))
        assert [len(await deliveries.take(10)) for _ in range(2)] == [1, 0]
    await redis.aclose()


async def test_a_name_that_leads_to_an_unlisted_address_is_not_called(
    settings: Settings, redis_url: str, caplog: pytest.LogCaptureFixture
):
    settings = settings.model_copy(update={"callback_hosts": ("localhost",), "callback_tries": 1})
    async with callback_server() as server, running_app(settings, redis_url) as client:
        url = f"http://localhost:{server.port}/"
        await client.delete((await post(client, url)).headers["location"])
        await until_counted(client, "given-up")
    assert server.received == []
    assert "leads to an address that is not in ATYPIA_CALLBACK_HOSTS" in caplog.text


async def test_a_host_that_is_not_listed_is_refused_and_nothing_is_kept(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        response = await post(client, "http://elsewhere.example/")
        assert (response.status_code, response.json()["title"]) == (422, "Callback refused")
        assert "ATYPIA_CALLBACK_HOSTS" in response.json()["detail"]
        assert (await client.get("/jobs")).json() == []
    assert [path for path in settings.store_dir.rglob("*") if path.is_file()] == []


async def test_of_a_removed_job_nothing_is_told(settings: Settings, redis_url: str):
    redis = connect(redis_url)
    deliveries = Deliveries(redis, Keys(settings.key_prefix))
    await deliveries.owe(OwedCallback("none", "http://127.0.0.1/"))
    assert await deliveries.take(10) == []
    await redis.aclose()
