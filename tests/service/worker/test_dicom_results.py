"""Results as DICOM objects, as the API serves them."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pydicom
import pytest
import pytest_asyncio

from service.settings import Settings
from tests.imaging.dicom_builder import slice_bytes
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import ct_zip, monochrome1_bytes, png_bytes

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=60"}
KINDS = {
    "sc": "1.2.840.10008.5.1.4.1.1.7",
    "sr": "1.2.840.10008.5.1.4.1.1.88",
    "seg": "1.2.840.10008.5.1.4.1.1.66.4",
    "pm": "1.2.840.10008.5.1.4.1.1.30",
}


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


async def scored(client: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    response = await client.post("/score?scope=warn&model=tiny", content=content, headers=WAIT)
    result: dict[str, Any] = response.json()
    return result


def dataset_of(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def placed_series() -> list[bytes]:
    return [slice_bytes(5.0 * index, index, FrameOfReferenceUID="1.2.826.0.1.7") for index in range(4)]


async def test_a_series_has_all_four_objects_in_its_own_study(client: httpx.AsyncClient):
    series = placed_series()
    files = [("file", ("x", content)) for content in series]
    result = (await client.post("/score?scope=warn&model=tiny", files=files, headers=WAIT)).json()
    source = dataset_of(series[0])
    for kind, sop_class in KINDS.items():
        response = await client.get(f"/jobs/{result['job_id']}/result/{kind}.dcm")
        assert response.headers["content-type"] == "application/dicom", (kind, response.text)
        found = dataset_of(response.content)
        assert found.SOPClassUID.startswith(sop_class)
        assert found.StudyInstanceUID == source.StudyInstanceUID
        assert found.SeriesInstanceUID != source.SeriesInstanceUID
    assert {"picture", "report", "segmentation", "parametric_map"} <= set(result["links"])


async def test_the_same_job_gives_the_same_objects_when_its_upload_is_gone(
    client: httpx.AsyncClient, settings: Settings
):
    result = await scored(client, ct_zip())
    path = f"/jobs/{result['job_id']}/result/sr.dcm"
    first = (await client.get(path)).content
    for made in settings.store_dir.glob("cleaned/*/*"):
        made.unlink()
    assert (await client.get(path)).content == first


async def test_a_radiograph_has_no_parametric_map_and_is_told_why(client: httpx.AsyncClient):
    result = await scored(client, monochrome1_bytes())
    job = f"/jobs/{result['job_id']}"
    response = await client.get(f"{job}/result/pm.dcm")
    assert response.status_code == 406 and "frame of reference" in response.json()["detail"]
    names = zipfile.ZipFile(io.BytesIO((await client.get(f"{job}/result.zip")).content)).namelist()
    assert names[-4:] == ["fhir.json", "sc.dcm", "sr.dcm", "seg.dcm"]
    picture = await client.get(f"{job}/result", headers={"Accept": "application/dicom"})
    assert dataset_of(picture.content).Modality == "OT"


async def test_a_picture_has_no_results_as_dicom_and_is_told_why(client: httpx.AsyncClient):
    result = await scored(client, png_bytes())
    response = await client.get(f"/jobs/{result['job_id']}/result/sc.dcm")
    assert response.status_code == 406 and "send the image as DICOM" in response.json()["detail"]
    assert "picture" not in result["links"]
