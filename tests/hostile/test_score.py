"""Every file of the corpus through POST /score: a result, or its own problem, and never a 500."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from service.problems import MEDIA_TYPE, problem_of
from service.settings import Settings
from tests.hostile.corpus import corpus
from tests.service.running_app import running_app, running_worker

CORPUS = corpus()
MIB = 2**20
WAIT = {"Prefer": "wait=60"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(
    tmp_path_factory: pytest.TempPathFactory, bundles: Path, redis_url: str
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("hostile"),
        bundles=(bundles,),
        key_prefix="test-hostile",
        providers=("CPUExecutionProvider",),
        threads=1,
        max_decoded_bytes=256 * MIB,
        decode_memory_bytes=2048 * MIB,
    )
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


@pytest.mark.parametrize("name", CORPUS)
async def test_it_ends_in_a_result_or_in_its_own_problem(client: httpx.AsyncClient, name: str):
    hostile = CORPUS[name]
    files = [("file", (f"../../{name}", part)) for part in hostile.parts]
    response = await client.post("/score?model=tiny", files=files, headers=WAIT)
    if hostile.refusal is None:
        assert response.status_code == 200, response.text
        assert isinstance(response.json()["score"], float)
        return
    assert response.status_code == problem_of(hostile.refusal()).status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    assert "SECRET" not in response.text


async def test_the_service_is_as_well_after_it_as_before(client: httpx.AsyncClient):
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.get("/jobs")).status_code == 200
