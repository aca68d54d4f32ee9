"""STOW-RS, as a DICOMweb client of others speaks it."""

import asyncio
import io

import httpx
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from service.settings import Settings
from tests.imaging.dicom_builder import slice_bytes
from tests.service.running_app import running_worker
from tests.service.served_app import served_app
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio


def series(study: str, number: int, count: int = 3) -> list[bytes]:
    names = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.{number}"}
    return [slice_bytes(5.0 * index, 10 * number + index, **names) for index in range(count)]


def related(parts: list[bytes]) -> tuple[bytes, dict[str, str]]:
    head = b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
    body = b"".join(head + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    return body, {"Content-Type": 'multipart/related; type="application/dicom"; boundary=edge'}


def instances_in(answer: httpx.Response, tag: str) -> list[str | None]:
    items = answer.json().get(tag, {}).get("Value", [])
    return [item["00081155"]["Value"][0] if "00081155" in item else None for item in items]


def jobs_of(answer: httpx.Response) -> list[str]:
    return [link.split(">")[0].strip(" <") for link in answer.headers.get_list("Link")]


async def test_a_dicomweb_client_stores_two_series_and_each_is_scored(settings: Settings, redis_url: str):
    datasets = [pydicom.dcmread(io.BytesIO(part)) for number in (1, 2) for part in series("1.2.3", number)]
    async with served_app(settings, redis_url) as client, running_worker(settings, redis_url):
        other = DICOMwebClient(str(client.base_url.join("/dicomweb")))
        response = await asyncio.to_thread(other.store_instances, datasets)
        taken = [item.ReferencedSOPInstanceUID for item in response.ReferencedSOPSequence]
        assert sorted(taken) == sorted(dataset.SOPInstanceUID for dataset in datasets)
        jobs = (await client.get("/jobs")).json()
        while {job["state"] for job in jobs} != {"done"}:
            await asyncio.sleep(0.05)
            jobs = (await client.get("/jobs")).json()
        results = [(await client.get(job["links"]["result"])).json() for job in jobs]
    assert [len(result["slices"]) for result in results] == [3, 3]
    scored = {part["sop_instance_uid"] for result in results for part in result["slices"]}
    assert scored == {str(dataset.SOPInstanceUID) for dataset in datasets}


async def test_what_is_no_image_fails_by_name_and_the_rest_is_taken(settings: Settings, redis_url: str):
    body, headers = related([*series("1.2.3", 1), png_bytes()])
    async with served_app(settings, redis_url) as client:
        answer = await client.post("/dicomweb/studies?model=tiny", content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (202, "application/dicom+json")
        assert len(instances_in(answer, "00081199")) == 3 and instances_in(answer, "00081198") == [None]
        [path] = jobs_of(answer)
        assert (await client.get(path)).json()["state"] == "queued"
    assert len(list(settings.store_dir.glob("inputs/*/*"))) == 3


async def test_instances_of_another_study_than_the_paths_are_refused(settings: Settings, redis_url: str):
    body, headers = related(series("1.2.3", 1))
    async with served_app(settings, redis_url) as client:
        answer = await client.post("/dicomweb/studies/1.2.4", content=body, headers=headers)
        assert answer.status_code == 409 and len(instances_in(answer, "00081198")) == 3
        assert (await client.get("/jobs")).json() == []
    assert list(settings.store_dir.glob("inputs/*/*")) == []


async def test_a_series_that_no_model_takes_is_refused_with_the_reason(settings: Settings, redis_url: str):
    body, headers = related(series("1.2.3", 1))
    async with served_app(settings, redis_url) as client:
        answer = await client.post("/dicomweb/studies?model=tiny-us", content=body, headers=headers)
    assert answer.status_code == 409 and "out of scope" in answer.headers["warning"]


async def test_sending_the_same_again_is_the_same_job(settings: Settings, redis_url: str):
    body, headers = related(series("1.2.3", 1))
    async with served_app(settings, redis_url) as client:
        answers = [await client.post("/dicomweb/studies", content=body, headers=headers) for _ in range(2)]
    assert jobs_of(answers[0]) == jobs_of(answers[1]) and len(jobs_of(answers[0])) == 1


async def test_a_body_of_another_kind_is_refused(settings: Settings, redis_url: str):
    async with served_app(settings, redis_url) as client:
        answer = await client.post("/dicomweb/studies", content=png_bytes())
    assert answer.status_code == 400 and "POST /score takes others" in answer.json()["detail"]
