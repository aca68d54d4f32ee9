"""Server-sent events over real HTTP: from the start, and again after a dropped connection."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import httpx
import pytest
import pytest_asyncio

from service.settings import Settings
from tests.service.running_app import running_worker
from tests.service.served_app import served_app
from tests.service.uploads_builder import nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate({**settings.model_dump(), "heartbeat_s": 1})
    async with served_app(settings, redis_url) as client:
        yield client


class Event(dict[str, str]):
    """The fields of one event; a comment has none but its text under ""."""

    @property
    def job(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self["data"])
        return found


async def events_of(client: httpx.AsyncClient, path: str, last: str = "") -> AsyncGenerator[Event, None]:
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", f"{path}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event = Event()
        async for line in response.aiter_lines():
            if line:
                name, _, value = line.partition(":")
                event[name] = value.strip()
            elif event:
                yield event
                event = Event()


async def test_a_dropped_stream_goes_on_after_what_was_seen(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    async with aclosing(events_of(client, path)) as events:
        first = await anext(events)
    assert (first["event"], first.job["state"]) == ("job", "queued")
    async with running_worker(settings, redis_url):
        rest = [event async for event in events_of(client, path, last=first["id"]) if "id" in event]
    numbers = [int(event["id"]) for event in rest]
    assert numbers == sorted(set(numbers)) and numbers[0] > int(first["id"])
    assert rest[-1].job["state"] == "done"


async def test_a_browser_that_has_seen_the_end_is_told_not_to_come_back(client: httpx.AsyncClient):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    await client.delete(path)
    [last] = [event async for event in events_of(client, path)]
    response = await client.get(f"{path}/events", headers={"Last-Event-ID": last["id"]})
    assert (response.status_code, response.content) == (204, b"")


async def test_an_event_id_that_means_nothing_is_passed_over(client: httpx.AsyncClient):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    await client.delete(path)
    assert len([event async for event in events_of(client, path, last="none of ours")]) == 1


async def test_silence_is_filled_with_comments(client: httpx.AsyncClient):
    path = (await client.post("/score", content=png_bytes())).headers["location"]
    async with aclosing(events_of(client, path)) as events:
        assert "id" in await anext(events)
        comment = await anext(events)
    assert list(comment) == [""] and comment[""].startswith("ping")


async def test_a_job_is_told_its_time_once_others_like_it_are_done(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    async with running_worker(settings, redis_url):
        for seed in range(30):
            response = await client.post("/score?model=tiny-slow", content=nifti_bytes(seed, (20, 24, 40)))
            path = response.headers["location"]
            left = [event.job["seconds_left"] async for event in events_of(client, path) if "data" in event]
            if left[0] is not None:
                break
    assert isinstance(left[0], float) and left[-1] is None
