"""What of a patient lies on disk when a job is over, and what does not."""

import io
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
import pytest_asyncio

from imaging.read import read_image
from service.connection import connect
from service.folder_store import FolderStore
from service.keys import Keys
from service.queue import Queue
from service.settings import Settings
from service.sweep import Sweeper
from tests.imaging.dicom_builder import SECRET_NAME, slice_bytes
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio

WAIT = {"Prefer": "wait=60"}
ABOUT = {
    "PatientName": SECRET_NAME,
    "PatientID": "SECRET-4711",
    "StudyInstanceUID": "1.2.826.0.1.77.1",
    "SeriesInstanceUID": "1.2.826.0.1.77.2",
    "FrameOfReferenceUID": "1.2.826.0.1.77.3",
}
SECRETS = [text.encode() for text in ABOUT.values()]


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


def series() -> list[bytes]:
    return [slice_bytes(5.0 * index, index, **ABOUT) for index in range(4)]


def zipped(contents: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index, content in enumerate(contents):
            archive.writestr(f"{SECRET_NAME}/{index}", content)
    return out.getvalue()


async def scored(client: httpx.AsyncClient, contents: list[bytes]) -> dict[str, Any]:
    files = [("file", ("x", content)) for content in contents]
    response = await client.post("/score?scope=warn&model=tiny", files=files, headers=WAIT)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def layers(content: bytes) -> Iterator[bytes]:
    """A file's bytes, and what is packed in it."""
    yield content
    with suppress(zlib.error):
        yield zlib.decompress(content, 31)
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from layers(archive.read(name))


def secrets_in(folder: Path) -> list[tuple[str, bytes]]:
    return [
        (str(path.relative_to(folder)), secret)
        for path in folder.rglob("*")
        if path.is_file()
        for layer in layers(path.read_bytes())
        for secret in SECRETS
        if secret in layer
    ]


@pytest.mark.parametrize("is_zip", [False, True])
async def test_nothing_in_the_store_names_the_patient_once_the_job_is_done(
    client: httpx.AsyncClient, settings: Settings, is_zip: bool
):
    result = await scored(client, [zipped(series())] if is_zip else series())
    job = f"/jobs/{result['job_id']}"
    for form in ("overlay.png?slice=1", "anomaly_map.nii.gz", "deidentification.json", "fhir.json", "sr.dcm"):
        assert (await client.get(f"{job}/result/{form}")).status_code == 200, form
    assert (await client.get(f"{job}/result.zip")).status_code == 200
    assert len(list(settings.store_dir.glob("cleaned/*/*"))) == 1
    assert list(settings.store_dir.glob("inputs/*/*")) == []
    assert secrets_in(settings.store_dir) == []


async def test_results_name_the_patient_all_the_same(client: httpx.AsyncClient):
    result = await scored(client, series())
    job = f"/jobs/{result['job_id']}"
    picture = pydicom.dcmread(io.BytesIO((await client.get(f"{job}/result/sc.dcm")).content))
    assert (picture.PatientName, picture.PatientID) == (SECRET_NAME, ABOUT["PatientID"])
    report = (await client.get(f"{job}/result/fhir.json")).json()
    assert report["subject"]["identifier"]["value"] == ABOUT["PatientID"]


async def test_what_is_kept_is_the_same_image_in_other_names(client: httpx.AsyncClient, settings: Settings):
    await scored(client, series())
    kept = read_image([next(settings.store_dir.glob("cleaned/*/*")).read_bytes()])
    sent = read_image(series())
    assert (kept.pixels == sent.pixels).all() and (kept.affine == sent.affine).all()
    assert kept.source.study_uid not in (None, sent.source.study_uid)


async def test_the_report_counts_what_was_changed_and_holds_no_values(client: httpx.AsyncClient):
    result = await scored(client, series())
    response = await client.get(f"/jobs/{result['job_id']}/result/deidentification.json")
    assert (response.json()["kept"], response.json()["files"]) == (True, 4)
    assert "PatientName" in response.text
    assert not any(secret in response.content for secret in SECRETS)


async def test_an_expired_job_takes_the_key_to_its_patient_along(
    client: httpx.AsyncClient, settings: Settings, redis_url: str
):
    result = await scored(client, series())
    redis = connect(redis_url)
    queue = Queue(redis, Keys(settings.key_prefix), max_queued=9, max_deliveries=3)
    assert (await queue.get(result["job_id"])).request.seal_key
    assert await queue.expire(result["job_id"])
    assert (await queue.get(result["job_id"])).request.seal_key == ""
    await redis.aclose()


async def test_a_job_that_may_be_tried_again_keeps_its_upload_as_it_was_sent(
    settings: Settings, redis_url: str
):
    async with running_app(settings, redis_url) as client:
        job = (await client.post("/score?model=tiny", content=png_bytes())).json()["links"]["self"]
        await client.delete(job)
        assert [path.read_bytes() for path in settings.store_dir.glob("inputs/*/*")] == [png_bytes()]
        assert (await client.post(f"{job}/retry")).status_code == 202


@pytest.mark.parametrize(("keep", "slice_status", "inputs"), [("as-sent", 200, 4), ("no", 410, 0)])
async def test_uploads_can_be_kept_as_they_were_sent_or_not_at_all(
    settings: Settings, redis_url: str, keep: str, slice_status: int, inputs: int
):
    chosen = settings.model_copy(update={"keep_uploads": keep})
    async with running_app(chosen, redis_url) as client, running_worker(chosen, redis_url):
        result = await scored(client, series())
        response = await client.get(f"/jobs/{result['job_id']}/result/overlay.png?slice=1")
        assert response.status_code == slice_status
        assert list(settings.store_dir.glob("cleaned/*/*")) == []
        assert len(list(settings.store_dir.glob("inputs/*/*"))) == inputs


async def test_an_upload_that_a_killed_worker_left_is_removed_by_the_sweeper(
    settings: Settings, redis_url: str
):
    redis = connect(redis_url)
    keys = Keys(settings.key_prefix)
    queue = Queue(redis, keys, max_queued=9, max_deliveries=3)
    store = FolderStore(settings.store_dir)
    await store.put("inputs/left/00000", b"a patient")
    await redis.sadd(keys.spent, "left")
    await Sweeper(queue, store, settings=settings).sweep(datetime.now(UTC))
    assert list(settings.store_dir.glob("inputs/*/*")) == []
    assert await queue.spent(count=9) == []
    await redis.aclose()


async def test_removing_a_job_removes_its_deidentified_upload(client: httpx.AsyncClient, settings: Settings):
    result = await scored(client, series())
    assert (await client.delete(f"/jobs/{result['job_id']}")).status_code == 204
    assert list(settings.store_dir.glob("*/*/*")) == []
