"""Who may do what, through the application."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from service.access.api_keys import ApiKeys
from service.access.gate import Gate, is_loopback
from service.access.principal import Scope
from service.connection import connect
from service.errors import KeyNotFoundError, OpenToAllError
from service.keys import Keys
from service.settings import Settings
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=60"}


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect(redis_url)
    yield redis
    await redis.aclose()


@pytest.fixture
def api_keys(redis: Redis, settings: Settings) -> ApiKeys:
    return ApiKeys(redis, Keys(settings.key_prefix))


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client:
        yield client


async def holder(api_keys: ApiKeys, *scopes: Scope) -> dict[str, str]:
    """The headers of somebody with a new key."""
    return {"Authorization": f"Bearer {await api_keys.add('somebody', scopes)}"}


async def sent(client: httpx.AsyncClient, headers: dict[str, str], seed: int = 0) -> str:
    response = await client.post("/score", content=png_bytes(seed), headers=headers)
    assert response.status_code == 202, response.text
    return str(response.headers["location"])


async def test_nobody_needs_a_key_on_loopback_until_there_is_one(
    client: httpx.AsyncClient, api_keys: ApiKeys
):
    assert (await client.get("/jobs")).status_code == 200
    headers = await holder(api_keys, "score")
    await asyncio.sleep(2.1)  # the gate looks again after two seconds
    refused = await client.get("/jobs")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert (await client.get("/jobs", headers=headers)).status_code == 200


async def test_a_key_works_in_either_header_and_not_after_it_is_revoked(
    client: httpx.AsyncClient, api_keys: ApiKeys
):
    key = await api_keys.add("somebody", ["score"])
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert (await client.get("/models", headers=headers)).status_code == 200
    await api_keys.revoke(key.split("_")[1])
    refused = await client.get("/models", headers={"X-API-Key": key})
    assert (refused.status_code, key in refused.text) == (401, False)


async def test_a_service_whose_last_key_is_revoked_is_not_open_again(
    settings: Settings, redis_url: str, api_keys: ApiKeys
):
    key = await api_keys.add("somebody", ["score"])
    for _ in range(2):  # a write that redis-py repeats
        await api_keys.revoke(key.split("_")[1])
    assert [found.is_revoked for found in await api_keys.list()] == [True]
    async with running_app(settings, redis_url) as client:
        assert (await client.get("/jobs")).status_code == 401


async def test_a_key_that_never_was_cannot_be_revoked(api_keys: ApiKeys):
    with pytest.raises(KeyNotFoundError, match="there is no key 000000000000"):
        await api_keys.revoke("000000000000")


@pytest.mark.parametrize("wrong", ["", "x", "atypia_000000000000_" + "A" * 43, "a.b.c", "atypia_é", "\x00"])
async def test_what_is_no_key_of_ours_is_refused(settings: Settings, redis_url: str, wrong: str):
    strict = settings.model_copy(update={"anonymous": "never"})
    async with running_app(strict, redis_url) as client:
        headers = {"Authorization": f"Bearer {wrong}".encode()}
        assert (await client.get("/jobs", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"X-API-Key": ""}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}, {"X-API-Key": "x"}]
)
async def test_who_shows_a_wrong_key_is_refused_even_where_nobody_needs_one(
    client: httpx.AsyncClient, headers: dict[str, str]
):
    assert (await client.get("/models", headers=headers)).status_code == 401


async def test_a_key_is_stored_as_a_hash_alone(redis: Redis, api_keys: ApiKeys, settings: Settings):
    key = await api_keys.add("somebody", ["admin"])
    stored = str(await redis.execute_command("HGETALL", Keys(settings.key_prefix).api_keys))
    assert key.split("_", 2)[2] not in stored and "somebody" in stored


async def test_a_job_does_not_exist_for_another_key(client: httpx.AsyncClient, api_keys: ApiKeys):
    mine, others = await holder(api_keys, "score"), await holder(api_keys, "score")
    path = await sent(client, mine)
    for method, suffix in (
        *(("GET", end) for end in ("", "/events", "/result", "/result.json", "/result.zip")),
        *(("GET", f"/result/{name}") for name in ("overlay.png", "anomaly_map.nii.gz")),
        *(("DELETE", ""), ("POST", "/retry")),
    ):
        response = await client.request(method, path + suffix, headers=others)
        assert response.status_code == 404, (method, suffix)
    assert [job["links"]["self"] for job in (await client.get("/jobs", headers=mine)).json()] == [path]
    assert (await client.get("/jobs", headers=others)).json() == []


async def test_the_same_image_of_two_owners_is_two_jobs(client: httpx.AsyncClient, api_keys: ApiKeys):
    keys = [await holder(api_keys, "score") for _ in range(2)]
    paths = [await sent(client, headers) for headers in (*keys, *keys)]
    assert paths[:2] == paths[2:] and paths[0] != paths[1]


async def test_a_reader_sees_all_jobs_and_changes_none(client: httpx.AsyncClient, api_keys: ApiKeys):
    path = await sent(client, await holder(api_keys, "score"))
    reader = await holder(api_keys, "read")
    assert (await client.get(path, headers=reader)).status_code == 200
    assert len((await client.get("/jobs", headers=reader)).json()) == 1
    assert (await client.delete(path, headers=reader)).status_code == 403
    refused = await client.post("/score", content=png_bytes(), headers=reader)
    assert (refused.status_code, "it needs the scope score, it has read" in refused.text) == (403, True)


async def test_an_admin_may_cancel_anybodys_job(client: httpx.AsyncClient, api_keys: ApiKeys):
    path = await sent(client, await holder(api_keys, "score"))
    response = await client.delete(path, headers=await holder(api_keys, "admin"))
    assert (response.status_code, response.json()["state"]) == (200, "cancelled")


async def test_metrics_are_for_readers(client: httpx.AsyncClient, api_keys: ApiKeys):
    assert (await client.get("/metrics", headers=await holder(api_keys, "score"))).status_code == 403
    assert (await client.get("/metrics", headers=await holder(api_keys, "read"))).status_code == 200


async def test_an_owner_finds_old_jobs_behind_many_of_others(client: httpx.AsyncClient, api_keys: ApiKeys):
    mine, others = await holder(api_keys, "score"), await holder(api_keys, "score")
    path = await sent(client, mine)
    for seed in range(5):
        await sent(client, others, seed)
    assert [job["links"]["self"] for job in (await client.get("/jobs?count=1", headers=mine)).json()] == [
        path
    ]


async def test_the_owner_has_its_result(settings: Settings, redis_url: str, api_keys: ApiKeys):
    headers = {**await holder(api_keys, "score"), **WAIT}
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        response = await client.post("/score", content=png_bytes(), headers=headers)
        assert response.status_code == 200
        overlay = await client.get(response.json()["links"]["overlay"], headers=headers)
        assert overlay.status_code == 200


async def test_the_service_does_not_listen_to_strangers_without_asking_who_they_are(
    settings: Settings, api_keys: ApiKeys
):
    abroad = settings.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(OpenToAllError, match="atypia keys add"):
        await Gate(abroad, api_keys).check_listening()
    await Gate(settings, api_keys).check_listening()
    await Gate(abroad.model_copy(update={"anonymous": "everywhere"}), api_keys).check_listening()
    await api_keys.add("somebody", ["score"])
    await Gate(abroad, api_keys).check_listening()


async def test_only_addresses_of_this_machine_are_loopback():
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org")] == [False] * 4


async def test_answers_are_not_kept_framed_or_guessed_at(client: httpx.AsyncClient):
    response = await client.get(
        "/jobs", headers={"X-Request-ID": "scanner-7", "Origin": "https://else.where"}
    )
    assert response.headers["x-request-id"] == "scanner-7"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "access-control-allow-origin" not in response.headers
    other = await client.get("/jobs", headers={"X-Request-ID": "a b\tc"})
    assert len(other.headers["x-request-id"]) == 16
