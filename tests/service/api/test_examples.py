"""A model's examples, as the API serves them."""

import pytest

from inference.catalog import Catalog
from service.settings import Settings
from tests.service.running_app import running_app

pytestmark = pytest.mark.asyncio

SHIPPED = Settings().bundles


async def test_every_example_of_a_shipped_model_is_listed_and_served(settings: Settings, redis_url: str):
    chosen = settings.model_copy(update={"bundles": SHIPPED})
    async with running_app(chosen, redis_url) as client:
        for bundle in Catalog.of_folders(SHIPPED):
            listed = (await client.get(f"/models/{bundle.reference}")).json()["examples"]
            assert [example["gt_label"] for example in listed] == [0, 0, 0, 1, 1, 1]
            for example in listed:
                response = await client.get(f"/models/{bundle.reference}/{example['file']}")
                assert response.headers["content-type"] == "image/jpeg"
                assert response.content == (bundle.folder / example["file"]).read_bytes()


@pytest.mark.parametrize("file", ["model.onnx", "manifest.json", "..%2Fmodel.onnx", "example-1.jpg"])
async def test_nothing_else_of_a_bundle_is_served(settings: Settings, redis_url: str, file: str):
    async with running_app(settings, redis_url) as client:
        assert (await client.get(f"/models/tiny/{file}")).status_code == 404
