"""One stream of all jobs: what each reader hears of, how often, and what a slow one costs."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from service.access.api_keys import ApiKeys
from service.access.principal import Scope
from service.api.job_feed import MOST_BEHIND, PACE_S, Change, JobFeed
from service.connection import connect
from service.keys import Keys
from service.settings import Settings
from tests.service.running_app import running_worker
from tests.service.served_app import served_app
from tests.service.uploads_builder import nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio

RUNNING = Change("running", "")


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect(redis_url)
    yield redis
    await redis.aclose()


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate({**settings.model_dump(), "heartbeat_s": 1})
    async with served_app(settings, redis_url) as client:
        yield client


Told = AsyncGenerator[tuple[str, dict[str, object]], None]


@asynccontextmanager
async def stream(client: httpx.AsyncClient, headers: dict[str, str] | None = None) -> AsyncIterator[Told]:
    """Every event that has a name, and its data; the stream is open when the block begins."""
    async with client.stream("GET", "/jobs/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")

        async def told() -> Told:
            name = ""
            async for line in response.aiter_lines():
                field, _, value = line.partition(": ")
                name = value if field == "event" else name
                if field == "data":
                    yield name, json.loads(value)

        async with aclosing(told()) as events:
            yield events


async def sent(client: httpx.AsyncClient, seed: int = 0, headers: dict[str, str] | None = None) -> str:
    response = await client.post("/score?model=tiny", content=png_bytes(seed), headers=headers)
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


async def test_nothing_is_told_of_the_past_and_everything_from_then_on(client: httpx.AsyncClient):
    await sent(client, seed=1)
    async with stream(client) as events:
        job_id = await sent(client, seed=2)
        name, job = await anext(events)
        assert (name, job) == ("job", (await client.get(f"/jobs/{job_id}")).json())


async def test_a_removed_job_is_told_by_its_id(client: httpx.AsyncClient):
    job_id = await sent(client)
    async with stream(client) as events:
        await client.delete(f"/jobs/{job_id}")
        assert (await anext(events))[1]["state"] == "cancelled"
        await client.delete(f"/jobs/{job_id}")
        assert await anext(events) == ("removed", {"job_id": job_id})


async def test_a_job_is_told_four_times_a_second_at_most_and_to_its_end(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    told: list[tuple[float, dict[str, object]]] = []
    async with running_worker(settings, redis_url), stream(client) as events:
        await client.post("/score?model=tiny-slow", content=nifti_bytes(0, (20, 24, 400)))
        async for _name, job in events:
            told.append((time.monotonic(), job))
            if job["state"] == "done":
                break
    assert told[-1][1]["summary"] is not None
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(told)]
    assert len(gaps) > 1 and min(gaps) > 0.8 * PACE_S


async def test_nobody_hears_of_anothers_jobs_but_who_may_read_all(
    client: httpx.AsyncClient, redis: Redis, settings: Settings
):
    async def holder(scope: Scope) -> dict[str, str]:
        key = await ApiKeys(redis, Keys(settings.key_prefix)).add("somebody", [scope])
        return {"Authorization": f"Bearer {key}"}

    one, other, reader = await holder("score"), await holder("score"), await holder("read")
    async with stream(client, one) as seen_by_one, stream(client, reader) as seen_by_reader:
        first = await sent(client, 1, other)
        for _ in range(2):  # cancelled, then removed
            await client.delete(f"/jobs/{first}", headers=other)
        second = await sent(client, 2, one)
        assert (await anext(seen_by_one))[1]["job_id"] == second
        heard = [await anext(seen_by_reader)]
        while heard[-1][1]["job_id"] != second:
            heard.append(await anext(seen_by_reader))
    assert ("removed", {"job_id": first}) in heard


async def test_who_has_no_key_hears_nothing_where_one_is_needed(settings: Settings, redis_url: str):
    closed = settings.model_copy(update={"anonymous": "never"})
    async with served_app(closed, redis_url) as client:
        assert (await client.get("/jobs/events")).status_code == 401


async def test_silence_is_filled_with_comments(client: httpx.AsyncClient):
    async with client.stream("GET", "/jobs/events") as response:
        lines = [line async for line in _comments(response, 2)]
    # At once, so that nobody waits for the head of the answer, and then now and again.
    assert lines[0] == ": open" and lines[1].startswith(": ping")


async def test_a_stream_that_has_missed_something_ends_and_the_next_one_hears_again(
    client: httpx.AsyncClient, redis: Redis
):
    async with stream(client) as events:
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert [event async for event in events] == []
    async with stream(client) as events:
        job_id = await sent(client)
        assert (await anext(events))[1]["job_id"] == job_id


async def test_a_slow_reader_keeps_one_state_a_job_and_gets_the_newest():
    feed = JobFeed()
    for _ in range(1000):
        feed.note("one", RUNNING)
    feed.note("one", Change("done", ""))
    feed.note("two", RUNNING)
    assert len(feed) == 2
    batch = await anext(feed.batches())
    assert batch == {"one": Change("done", ""), "two": RUNNING}
    assert len(feed) == 0


async def test_a_reader_that_is_too_far_behind_is_let_go_and_costs_nothing_more():
    feed = JobFeed()
    for number in range(3 * MOST_BEHIND):
        feed.note(str(number), RUNNING)
        assert len(feed) <= MOST_BEHIND
    assert len(feed) == 0
    assert [batch async for batch in feed.batches()] == []


async def test_a_feed_that_nobody_reads_any_more_is_forgotten(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    made: list[int] = []
    original = JobFeed.note
    monkeypatch.setattr(JobFeed, "note", lambda *args: (made.append(1), original(*args))[1])
    async with stream(client):
        pass
    await asyncio.sleep(0.1)
    await sent(client)
    await asyncio.sleep(0.1)
    assert made == []


async def _comments(response: httpx.Response, count: int) -> AsyncIterator[str]:
    async for line in response.aiter_lines():
        if line.startswith(":"):
            yield line
            count -= 1
        if count == 0:
            return
