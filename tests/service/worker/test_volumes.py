"""A series that the bundle cuts in another direction than it was scanned in, through the service."""

import gzip
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import nibabel
import numpy as np
import pydicom
import pytest
import pytest_asyncio

from inference.steps import Reorient, Resample, Slab
from service.settings import Settings
from tests.imaging.dicom_builder import dicom_bytes
from tests.service.bundle_builder import FAST, make_bundle
from tests.service.running_app import running_app, running_worker

pytestmark = pytest.mark.asyncio

CORONAL = (Reorient(plane="coronal"), Resample(in_plane_mm=2.0), Slab(start=0.25, stop=0.75))
SHAPE = (12, 40, 48)


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    make_bundle(tmp_path / "bundles", steps=(*CORONAL, *FAST))
    here = settings.model_copy(update={"bundles": (tmp_path / "bundles",)})
    async with running_app(here, redis_url) as client, running_worker(here, redis_url):
        yield client


def axial_series() -> list[bytes]:
    """Slices of 5 mm, faint noise everywhere, and stripes in a block of rows 18 to 21."""
    volume = np.random.default_rng(0).integers(100, 110, SHAPE, np.uint16)
    volume[4:8, 18:22, 20:28:4] = volume[4:8, 18:22, 21:28:4] = 900
    return [
        dicom_bytes(
            plane,
            SOPInstanceUID=f"1.2.826.0.1.{index + 1}",
            InstanceNumber=index,
            ImagePositionPatient=[0, 0, 5.0 * index],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1],
            FrameOfReferenceUID="1.2.826.0.1.7",
        )
        for index, plane in enumerate(volume)
    ]


async def scored(client: httpx.AsyncClient) -> dict[str, Any]:
    files = [("file", ("x", content)) for content in axial_series()]
    response = await client.post("/score?scope=warn", files=files, headers={"Prefer": "wait=60"})
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def test_the_scans_own_slices_have_no_scores_and_findings_lie_in_the_scan(client: httpx.AsyncClient):
    result = await scored(client)
    assert result["slices"] == []
    x, y, z = result["findings"][0]["centroid_mm"]
    assert 18 < x < 29
    assert 16 < y < 23
    assert 15 < z < 40


async def test_every_form_comes_back_on_the_scans_own_slices(client: httpx.AsyncClient):
    result = await scored(client)
    job = f"/jobs/{result['job_id']}/result"
    overlay = await client.get(f"{job}/overlay.png")
    assert overlay.headers["content-type"] == "image/png"
    nifti = await client.get(next(link for link in result["links"].values() if link.endswith(".nii.gz")))
    volume = np.asarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(nifti.content)).dataobj)
    assert volume.shape == SHAPE[::-1]
    rows = np.flatnonzero(volume.any(axis=(0, 2)))
    assert (rows[0], rows[-1]) == (10, 29)  # the slab: half of the rows
    response = await client.get(f"{job}/pm.dcm")
    assert response.status_code == 200, response.text
    assert pydicom.dcmread(io.BytesIO(response.content)).NumberOfFrames == SHAPE[0]
