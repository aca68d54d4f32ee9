"""What the network saw and what it made of that, laid back on the grid of the map."""

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import nibabel
import numpy as np
import onnx
import pytest
from scipy import ndimage

from inference.reconstruction import Reconstruction
from inference.steps import NeighbouringSlices, Reorient, Resample, Slab
from service.kept_reconstruction import write_reconstruction
from service.settings import Settings
from tests.service.bundle_builder import FAST, SIDE, make_bundle
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import grey, png_bytes

STEP = 1 / 255  # of what is kept


@asynccontextmanager
async def service_with(bundle: Path, settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    here = settings.model_copy(update={"bundles": (bundle.parent,)})
    async with running_app(here, redis_url) as client, running_worker(here, redis_url):
        yield client


async def scored(client: httpx.AsyncClient, volume: np.ndarray, affine: np.ndarray) -> dict[str, Any]:
    content = nibabel.Nifti1Image(volume, affine).to_bytes()
    response = await client.post("/score?scope=warn", content=content, headers={"Prefer": "wait=60"})
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def volume_at(client: httpx.AsyncClient, path: str) -> nibabel.Nifti1Image:
    response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/gzip")
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(response.content))


def stretched(volume: np.ndarray, axis: int) -> np.ndarray:
    """Each slice from its lowest to its highest value, as the bundle's first step does."""
    others = tuple(other for other in range(3) if other != axis)
    low, high = volume.min(others, keepdims=True), volume.max(others, keepdims=True)
    return (volume - low) / (high - low).astype(np.float64)


def without_reconstruction(bundle: Path) -> Path:
    graph = onnx.load(bundle / "model.onnx")
    del graph.graph.output[2]
    onnx.save(graph, bundle / "model.onnx")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"]["model.onnx"] = hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()
    del manifest["network_data_format"]["outputs"]["reconstruction"]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    return bundle


@pytest.mark.asyncio
async def test_both_lie_on_the_maps_grid_and_hold_what_went_in_and_came_out(
    settings: Settings, redis_url: str, tmp_path: Path
):
    volume = grey(0, (3, SIDE, SIDE))  # its slices lie along its first axis
    affine = np.eye(4)[[2, 1, 0, 3]]
    async with service_with(make_bundle(tmp_path / "bundles"), settings, redis_url) as client:
        links = (await scored(client, volume, affine))["links"]
        seen, made, anomaly_map = [
            await volume_at(client, links[name]) for name in ("seen", "reconstruction", "anomaly_map")
        ]
    for image in (seen, made):
        assert (image.shape, image.get_data_dtype()) == (anomaly_map.shape, np.float32)
        np.testing.assert_array_equal(image.affine, anomaly_map.affine)
    expected = stretched(volume, axis=0)
    np.testing.assert_allclose(seen.get_fdata(), expected, atol=STEP)
    inside = (slice(None), slice(1, -1), slice(1, -1))  # the border's mean is of fewer
    blurred = ndimage.uniform_filter(expected, (0, 3, 3))
    np.testing.assert_allclose(made.get_fdata()[inside], blurred[inside], atol=STEP)


@pytest.mark.asyncio
async def test_a_single_picture_has_both_on_its_own_pixels(
    settings: Settings, redis_url: str, tmp_path: Path
):
    async with service_with(make_bundle(tmp_path / "bundles"), settings, redis_url) as client:
        response = await client.post("/score", content=png_bytes(), headers={"Prefer": "wait=60"})
        links = response.json()["links"]
        volumes = [await volume_at(client, links[name]) for name in ("seen", "reconstruction")]
    assert [volume.shape for volume in volumes] == [(48, 40, 1), (48, 40, 1)]
    assert all(0 <= volume.get_fdata().min() < volume.get_fdata().max() <= 1 for volume in volumes)


@pytest.mark.asyncio
async def test_of_neighbouring_slices_the_slice_itself_is_shown(
    settings: Settings, redis_url: str, tmp_path: Path
):
    steps = (NeighbouringSlices(before=2, after=1), *FAST)
    bundle = make_bundle(tmp_path / "bundles", steps=steps, channels=4)
    volume = np.stack([np.full((SIDE, SIDE), 10 * index) for index in range(5)], axis=2).astype(np.uint8)
    volume[0, 0] = 0, 0, 0, 0, 0
    volume[0, 1] = 200
    async with service_with(bundle, settings, redis_url) as client:
        links = (await scored(client, volume, np.diag([-1.0, -1, 1, 1])))["links"]
        seen = (await volume_at(client, links["seen"])).get_fdata()
        made = (await volume_at(client, links["reconstruction"])).get_fdata()
    expected = [10 * index / 200 for index in range(5)]
    np.testing.assert_allclose(seen[9, 9], expected, atol=STEP)
    np.testing.assert_allclose(made[9, 9], expected, atol=STEP)


@pytest.mark.asyncio
async def test_slices_cut_in_another_direction_come_back_where_they_were(
    settings: Settings, redis_url: str, tmp_path: Path
):
    steps = (Reorient(plane="coronal"), Resample(in_plane_mm=2.0), Slab(start=0.25, stop=0.75), *FAST)
    volume = 1 + grey(0, (24, 40, 12)) // 2
    async with service_with(make_bundle(tmp_path / "bundles", steps=steps), settings, redis_url) as client:
        links = (await scored(client, volume, np.diag([-1.0, -1, 3, 1])))["links"]
        seen = (await volume_at(client, links["seen"])).get_fdata()
    assert seen.shape == volume.shape
    rows = np.flatnonzero(seen.any(axis=(0, 2)))
    assert (rows[0], rows[-1]) == (10, 29)


@pytest.mark.asyncio
async def test_a_model_without_a_reconstruction_says_so_and_names_none(
    settings: Settings, redis_url: str, tmp_path: Path
):
    bundle = without_reconstruction(make_bundle(tmp_path / "bundles"))
    async with service_with(bundle, settings, redis_url) as client:
        result = await scored(client, grey(0, (SIDE, SIDE, 2)), np.eye(4))
        job = result["links"]["self"]
        answers = [await client.get(f"{job}/result/{name}.nii.gz") for name in ("seen", "reconstruction")]
        archive = zipfile.ZipFile(io.BytesIO((await client.get(f"{job}/result.zip")).content))
    assert "seen" not in result["links"] and "reconstruction" not in result["links"]
    assert [answer.status_code for answer in answers] == [406, 406]
    assert "tiny@1.0.0 makes no reconstruction" in answers[0].json()["detail"]
    assert "reconstruction.nii.gz" not in archive.namelist()
    assert list(settings.store_dir.rglob("reconstruction*")) == []


@pytest.mark.asyncio
async def test_they_are_kept_when_they_are_first_asked_for_and_go_with_the_job(
    settings: Settings, redis_url: str, tmp_path: Path
):
    async with service_with(make_bundle(tmp_path / "bundles"), settings, redis_url) as client:
        links = (await scored(client, grey(0, (SIDE, SIDE, 2)), np.eye(4)))["links"]
        made = (await client.get(links["reconstruction"])).content
        assert [path.read_bytes() for path in settings.store_dir.rglob("reconstruction.nii.gz")] == [made]
        for path in [*settings.store_dir.rglob("*.npy"), *settings.store_dir.rglob("*.nii.gz")]:
            path.unlink()
        assert (await client.get(links["seen"])).status_code == 410


@pytest.mark.parametrize(("shape", "most_bytes"), [((1, 64, 64), 9_000), ((180, 128, 128), 6_000_000)])
def test_what_is_kept_is_small(shape: tuple[int, int, int], most_bytes: int):
    planes = np.random.default_rng(0).random(shape, np.float32)
    file = io.BytesIO()
    write_reconstruction(Reconstruction(planes, planes.astype(np.float16)), file)
    assert len(file.getvalue()) < most_bytes


def test_planes_of_one_grey_and_of_any_range_are_kept_as_well():
    planes = np.array([[[-3.0, 0.5, 7.0]]], np.float32)
    file = io.BytesIO()
    write_reconstruction(Reconstruction(np.full((1, 1, 3), 0.25, np.float32), planes), file)
    file.seek(0)
    (grey_low, grey_step), grey_levels, (low, step), levels = [np.load(file) for _ in range(4)]
    np.testing.assert_array_equal(grey_low + grey_step * grey_levels, np.full((1, 1, 3), 0.25))
    np.testing.assert_allclose(low + step * levels, planes, atol=10 / 255 / 2 + 1e-6)
