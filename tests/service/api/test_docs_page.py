import re

import pytest

from service.settings import Settings
from tests.service.running_app import running_app

pytestmark = pytest.mark.asyncio


async def test_the_docs_page_asks_no_other_host_for_anything(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        page = (await client.get("/docs")).text
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(addresses) == 3
        assert all(address.startswith("/") for address in addresses)
        assert [(await client.get(address)).status_code for address in addresses] == [200, 200, 200]
