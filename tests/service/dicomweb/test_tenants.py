"""Who may name which DICOMweb server, and who sees a retrieval."""

import httpx
import pytest

from service.access.api_keys import ApiKeys
from service.access.principal import Scope
from service.connection import connect
from service.keys import Keys
from service.settings import Settings
from tests.service.dicomweb.conftest import MakeSettings
from tests.service.dicomweb.test_by_reference import REFERENCE, ended, series
from tests.service.dicomweb_server import DicomwebServer
from tests.service.running_app import running_app

pytestmark = pytest.mark.asyncio


async def make_key(settings: Settings, redis_url: str, scope: Scope = "score") -> tuple[str, dict[str, str]]:
    """The id of a new key, and the header that shows it."""
    redis = connect(redis_url)
    api_keys = ApiKeys(redis, Keys(settings.key_prefix))
    key = await api_keys.add(f"one-{scope}", [scope])
    found = await api_keys.find(key)
    await redis.aclose()
    assert found is not None
    return found.owner, {"Authorization": f"Bearer {key}"}


async def test_a_server_of_another_key_does_not_exist(
    with_server: MakeSettings, pacs: DicomwebServer, settings: Settings, redis_url: str
):
    pacs.add(*series(1))
    own, ours = await make_key(settings, redis_url)
    _other, theirs = await make_key(settings, redis_url)
    async with running_app(with_server(f'keys = ["{own}"]'), redis_url) as client:
        for extra in ({}, {"dicomweb_server": "pacs-that-is-not-there"}):
            answer = await client.post("/score", json={**REFERENCE, **extra}, headers=theirs)
            assert answer.status_code == 422 and "there is none" in answer.json()["detail"]
        answer = await client.post("/score?results=pacs", content=series(1)[0], headers=theirs)
        assert answer.status_code == 422 and pacs.requests == []
        assert (await client.post("/score", json=REFERENCE, headers=ours)).status_code == 202


async def test_a_retrieval_of_another_key_does_not_exist_and_readers_only_look(
    with_server: MakeSettings, pacs: DicomwebServer, settings: Settings, redis_url: str
):
    pacs.add(*series(1))
    _own, ours = await make_key(settings, redis_url)
    _other, theirs = await make_key(settings, redis_url)
    _reader, reader = await make_key(settings, redis_url, "read")

    async def statuses(client: httpx.AsyncClient, path: str, key: dict[str, str]) -> tuple[int, int]:
        seen = await client.get(path, headers=key)
        return seen.status_code, (await client.delete(path, headers=key)).status_code

    async with running_app(with_server(), redis_url) as client:
        path = (await client.post("/score", json=REFERENCE, headers=ours)).headers["location"]
        assert await statuses(client, path, theirs) == (404, 404)
        assert await statuses(client, path, reader) == (200, 403)
        assert await statuses(client, path, ours) == (200, 204)


async def test_two_keys_that_name_the_same_series_have_two_jobs(
    with_server: MakeSettings, pacs: DicomwebServer, settings: Settings, redis_url: str
):
    pacs.add(*series(1))
    jobs = set()
    async with running_app(with_server(), redis_url) as client:
        for _times in (1, 2):
            _own, key = await make_key(settings, redis_url)
            client.headers.update(key)
            path = (await client.post("/score", json=REFERENCE)).headers["location"]
            jobs.add((await ended(client, path))["job_id"])
    assert len(jobs) == 2
