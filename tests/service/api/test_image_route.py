"""The image itself, as the page shows it: the values that were read, on the grid of the anomaly map."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import nibabel
import numpy as np
import pytest
import pytest_asyncio

from imaging.read import read_image
from service.settings import Settings
from tests.imaging.dicom_builder import dicom_bytes, slice_bytes
from tests.service.bundle_builder import make_bundle
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import nifti_bytes, png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


async def links_of_scored(client: httpx.AsyncClient, *contents: bytes) -> dict[str, str]:
    files = [("file", ("x", content)) for content in contents]
    response = await client.post("/score?model=tiny&scope=warn", files=files, headers={"Prefer": "wait=60"})
    assert response.status_code == 200, response.text
    links: dict[str, str] = response.json()["links"]
    return links


async def volume_of(client: httpx.AsyncClient, path: str) -> nibabel.Nifti1Image:
    response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/gzip")
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(response.content))


async def assert_on_the_maps_grid(client: httpx.AsyncClient, links: dict[str, str]) -> np.ndarray:
    """Returns the image's voxels."""
    image, anomaly_map = [await volume_of(client, links[name]) for name in ("image", "anomaly_map")]
    assert image.shape == anomaly_map.shape
    np.testing.assert_array_equal(image.affine, anomaly_map.affine)
    return np.asanyarray(image.dataobj)


async def test_a_ct_has_the_values_that_were_read_in_hounsfield_units(client: httpx.AsyncClient):
    series = [
        slice_bytes(5.0 * index, 100 * index, RescaleIntercept=-1024, RescaleSlope=1) for index in range(4)
    ]
    voxels = await assert_on_the_maps_grid(client, await links_of_scored(client, *series))
    assert voxels.dtype == np.int16 and voxels[0, 0].tolist() == [-1024, -924, -824, -724]
    np.testing.assert_array_equal(voxels, read_image(series).pixels[0].transpose(2, 1, 0))


async def test_an_oblique_nifti_comes_back_as_it_was_sent(client: httpx.AsyncClient):
    turn = np.array([[0, -0.8, 0.6], [0, 0.6, 0.8], [-1, 0, 0]])  # its axes run down, aside and back
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [2, 1.5, 3], [30, -40, 50]
    sent = np.random.default_rng(0).normal(size=(20, 24, 5)).astype(np.float32)
    content = nibabel.Nifti1Image(sent, affine).to_bytes()
    links = await links_of_scored(client, content)
    voxels = await assert_on_the_maps_grid(client, links)
    np.testing.assert_array_equal(voxels, sent)
    np.testing.assert_allclose((await volume_of(client, links["image"])).affine, affine, atol=1e-6)


async def test_a_colour_picture_is_a_volume_of_one_slice_in_luma(client: httpx.AsyncClient):
    colours = np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8)
    content = dicom_bytes(colours, Modality="DX")
    voxels = await assert_on_the_maps_grid(client, await links_of_scored(client, content))
    assert voxels.shape == (48, 40, 1)
    np.testing.assert_array_equal(voxels[..., 0].T, read_image([content]).pixels[0])


async def test_of_several_contrasts_it_is_the_first(settings: Settings, redis_url: str, tmp_path: Path):
    folder = tmp_path / "bundles"
    make_bundle(folder, name="two", channels=2, contrasts=("FLAIR", "T1"))
    chosen = settings.model_copy(update={"bundles": (folder,)})
    async with running_app(chosen, redis_url) as client, running_worker(chosen, redis_url):
        files = {"T1": nifti_bytes(1), "FLAIR": nifti_bytes(2)}
        response = await client.post("/score?scope=warn", files=files, headers={"Prefer": "wait=60"})
        voxels = await assert_on_the_maps_grid(client, response.json()["links"])
    np.testing.assert_array_equal(voxels, nibabel.Nifti1Image.from_bytes(nifti_bytes(2)).dataobj)


async def test_it_is_gone_with_the_upload_and_never_kept_twice(client: httpx.AsyncClient, settings: Settings):
    links = await links_of_scored(client, png_bytes())
    assert (await client.get(links["image"])).status_code == 200
    assert list(settings.store_dir.rglob("image*")) == []
    for path in settings.store_dir.glob("cleaned/*/*"):
        path.unlink()
    response = await client.get(links["image"])
    assert (response.status_code, "the upload is kept no longer" in response.json()["detail"]) == (410, True)


async def test_a_job_that_is_not_done_has_none_yet(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        job = (await client.post("/score", content=png_bytes())).json()
        assert (await client.get(job["links"]["image"])).status_code == 409
