"""Pages of other sites, in the browser of somebody who runs the service for himself."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from service.settings import Settings
from tests.service.running_app import running_app
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client:
        yield client


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "10.0.0.1", "[", "127.0.0.1.evil.example"]
)
async def test_a_site_whose_name_leads_here_is_answered_nothing(client: httpx.AsyncClient, host: str):
    response = await client.get("/jobs", headers={"Host": host})
    assert (response.status_code, "localhost" in response.json()["detail"]) == (403, True)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
async def test_this_machines_own_names_are_answered(client: httpx.AsyncClient, host: str):
    assert (await client.get("/jobs", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 202),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, 202),
        ({}, 202),
    ],
)
async def test_a_page_of_another_site_sends_nothing(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
):
    response = await client.post("/score", content=png_bytes(), headers=headers)
    assert response.status_code == status


async def test_where_everybody_may_come_any_name_will_do_but_no_other_page(
    settings: Settings, redis_url: str
):
    open_to_all = settings.model_copy(update={"anonymous": "everywhere"})
    async with running_app(open_to_all, redis_url) as client:
        assert (await client.get("/jobs", headers={"Host": "atypia.hospital"})).status_code == 200
        assert (await client.get("/jobs", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
