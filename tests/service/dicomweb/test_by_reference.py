"""Scoring by reference: a series on a DICOMweb server, which may be away or misbehave."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from service.api import retriever
from service.settings import Settings
from tests.imaging.dicom_builder import slice_bytes
from tests.service.dicomweb.conftest import MakeSettings
from tests.service.dicomweb_server import EDGE, DicomwebServer
from tests.service.running_app import running_app, running_worker

pytestmark = pytest.mark.asyncio

STUDY = "1.2.3"
REFERENCE = {"dicomweb_server": "pacs", "study_uid": STUDY, "series_uid": "1.2.3.1"}
WAIT = {"Prefer": "wait=60"}


def series(number: int, count: int = 3, **elements: Any) -> list[bytes]:
    names = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.{number}"}
    place = {"FrameOfReferenceUID": "1.2.826.0.1.7", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
    return [
        slice_bytes(5.0 * index, 10 * number + index, **{**names, **place, **elements})
        for index in range(count)
    ]


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    for _ in range(600):
        found: dict[str, Any] = (await client.get(path)).json()
        if found["state"] != "waiting":
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"it is still waiting: {found}")


async def outcome(settings: Settings, redis_url: str, **changes: Any) -> dict[str, Any]:
    """What becomes of a reference, without any worker."""
    async with running_app(settings, redis_url) as client:
        answer = await client.post("/score", json={**REFERENCE, **changes})
        assert answer.status_code == 202, answer.text
        return await ended(client, answer.headers["location"])


async def test_a_series_that_is_named_is_fetched_and_scored(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1), *series(2))
    settings = with_server()
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        answer = await client.post("/score", json=REFERENCE, headers=WAIT)
    assert answer.status_code == 200 and len(answer.json()["slices"]) == 3
    accepted = next(head["accept"] for head in pacs.headers if "dicom+json" not in head["accept"])
    assert accepted == 'multipart/related; type="application/dicom"; transfer-syntax=*'


async def test_form_fields_name_a_series_as_well(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    fields = {name: (None, value) for name, value in {**REFERENCE, "model": "tiny"}.items()}
    async with running_app(with_server(), redis_url) as client:
        answer = await client.post("/score", files=fields)
        found = await ended(client, answer.headers["location"])
        assert (await client.get(found["links"]["job"])).json()["model"] == "tiny@1.0.0"


async def test_the_same_series_by_reference_and_by_upload_is_one_job(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    async with running_app(with_server(), redis_url) as client:
        ids = []
        for _times in (1, 2):
            answer = await client.post("/score", json=REFERENCE)
            ids.append((await ended(client, answer.headers["location"]))["job_id"])
        files = [("file", ("x", content)) for content in pacs.instances.values()]
        ids.append((await client.post("/score", files=files)).json()["job_id"])
        assert len(set(ids)) == 1 and len((await client.get("/jobs")).json()) == 1
    inputs = list(await asyncio.to_thread(list, with_server().store_dir.glob("inputs/*/*")))
    assert len(inputs) == 3


async def test_of_a_study_the_only_image_for_the_model_is_taken(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    picture = {"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}
    pacs.add(*series(1), *series(2, **picture), *series(3, Modality="US"))
    found = await outcome(with_server(), redis_url, series_uid=None, model="tiny-us", scope="enforce")
    assert found["state"] == "submitted"
    assert pacs.requests[-1] == f"GET /dicom-web/studies/{STUDY}/series/{STUDY}.3"


async def test_several_images_that_fit_are_listed_instead_of_guessed(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1), *series(2, count=5))
    found = await outcome(with_server(), redis_url, series_uid=None)
    assert (found["state"], found["error"]["status"]) == ("failed", 422)
    assert found["error"]["series"] == [
        {"series_uid": f"{STUDY}.1", "modality": "CT", "instances": 3},
        {"series_uid": f"{STUDY}.2", "modality": "CT", "instances": 5},
    ]


async def test_a_server_that_is_away_is_asked_again_until_it_is_back(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    pacs.answers = [503, 500, 401, 429]
    assert (await outcome(with_server(), redis_url))["state"] == "submitted"


async def test_a_reference_outlives_the_service_while_the_server_is_away(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    pacs.add(*series(1))
    monkeypatch.setattr("service.agenda.LEASE_S", 1)
    async with running_app(with_server(url="http://127.0.0.1:9"), redis_url) as client:
        path = (await client.post("/score", json=REFERENCE)).headers["location"]
        while (await client.get(path)).json()["tries"] == 0:
            await asyncio.sleep(0.05)
        assert "does not answer" in (await client.get(path)).json()["reason"]
    async with running_app(with_server(), redis_url) as client:
        assert (await ended(client, path))["state"] == "submitted"


async def test_a_server_that_stays_away_is_given_up_in_the_end(with_server: MakeSettings, redis_url: str):
    found = await outcome(with_server("tries = 3", url="http://127.0.0.1:9"), redis_url)
    assert (found["tries"], found["error"]["status"]) == (3, 502)


async def test_a_series_that_is_not_there_fails_at_once_and_says_so(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    for changes in ({"series_uid": "1.2.3.9"}, {"study_uid": "1.2.4"}):
        found = await outcome(with_server(), redis_url, **changes)
        assert (found["error"]["status"], found["error"]["title"]) == (404, "Series not found")
    async with running_app(with_server(), redis_url) as client:
        answer = await client.post("/score", json={**REFERENCE, "study_uid": "1.2.4"}, headers=WAIT)
    assert answer.status_code == 404


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda body: body[:-60],
    "not multipart": lambda _body: b"<html>",
    "a header without end": lambda _body: b"--" + EDGE + b"\r\n" + b"x" * 100_000,
    "too much before the first part": lambda body: b"x" * 70_000 + body,
    "an instance too few": lambda body: b"--" + EDGE + body.split(b"--" + EDGE, 2)[2],
}


@pytest.mark.parametrize("name", SPOILS)
async def test_an_answer_that_is_no_whole_series_is_asked_for_again(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, name: str
):
    pacs.add(*series(1))
    pacs.spoil = SPOILS[name]
    settings = with_server("tries = 2")
    found = await outcome(settings, redis_url)
    assert (found["error"]["status"], found["tries"]) == (502, 2), found
    assert list(settings.store_dir.glob("inputs/*/*")) == []


async def test_junk_before_the_first_boundary_is_passed_over(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    pacs.spoil = lambda body: b"\r\n-- this is no part --\r\n" + body
    assert (await outcome(with_server(), redis_url))["state"] == "submitted"


async def test_instances_of_another_series_are_refused(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    other = b"".join(series(2))
    pacs.spoil = lambda _body: b"--" + EDGE + b"\r\n\r\n" + other + b"\r\n--" + EDGE + b"--"
    pacs.left_out = 0
    pacs.instances = dict(list(pacs.instances.items())[:1])
    settings = with_server()
    found = await outcome(settings, redis_url)
    assert found["error"]["title"] == "Archive refused" and "another series" in found["error"]["detail"]
    assert list(settings.store_dir.glob("inputs/*/*")) == []


async def test_what_a_server_calls_its_parts_means_nothing(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    name = b'Content-Disposition: form-data; name="scope"\r\nContent-Type'
    pacs.spoil = lambda body: body.replace(b"Content-Type", name, 1)
    assert (await outcome(with_server(), redis_url))["state"] == "submitted"


async def test_more_than_an_upload_may_have_is_refused(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    for limits in ({"max_upload_bytes": 500}, {"max_files": 2}):
        found = await outcome(with_server(**limits), redis_url)
        assert found["error"]["status"] == 413


async def test_a_server_that_is_too_slow_is_away(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))

    def late(body: bytes) -> bytes:
        time.sleep(2)
        return body

    pacs.spoil = late
    found = await outcome(with_server("tries = 1", "longest_s = 0.5"), redis_url)
    assert "not done after 0.5 s" in found["error"]["detail"]


async def test_a_redirect_is_not_followed(with_server: MakeSettings, pacs: DicomwebServer, redis_url: str):
    pacs.answers = [302]
    found = await outcome(with_server(), redis_url)
    assert found["error"]["status"] == 502 and len(pacs.requests) == 1


async def test_a_full_queue_keeps_the_reference_until_there_is_room(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    pacs.add(*series(1))
    pacs.answers = [503] * 1000
    monkeypatch.setattr(retriever, "_NO_ROOM_PAUSE_S", 0.0)
    async with running_app(with_server(max_queued=1), redis_url) as client:
        path = (await client.post("/score", json=REFERENCE)).headers["location"]
        job = (await client.post("/score", content=series(3)[0])).headers["location"]
        pacs.answers.clear()
        while "jobs are waiting already" not in ((await client.get(path)).json()["reason"] or ""):
            await asyncio.sleep(0.05)
        await client.delete(job)
        assert (await ended(client, path))["state"] == "submitted"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**REFERENCE, "dicomweb_server": "http://127.0.0.1/"}, 422),
        ({**REFERENCE, "study_uid": "../../system"}, 422),
        ({**REFERENCE, "study_uid": "1..2"}, 422),
        ({**REFERENCE, "series_uid": "1" * 65}, 422),
        ({**REFERENCE, "results": "elsewhere"}, 422),
        ({**REFERENCE, "model": "none"}, 404),
        ({**REFERENCE, "colour": "red"}, 422),
        ({**REFERENCE, "scope": {"a": 1}}, 422),
        ({**REFERENCE, "study_uid": 1}, 422),
        ({"dicomweb_server": "pacs"}, 422),
        ([1], 400),
    ],
)
async def test_a_reference_without_meaning_is_refused_before_anybody_is_asked(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, body: Any, status: int
):
    async with running_app(with_server(), redis_url) as client:
        answer = await client.post("/score", json=body)
    assert answer.status_code == status and pacs.requests == []


async def test_a_retrieval_that_is_deleted_is_not_fetched(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    async with running_app(with_server(url="http://127.0.0.1:9"), redis_url) as client:
        path = (await client.post("/score", json=REFERENCE)).headers["location"]
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


async def test_credentials_come_from_files(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, tmp_path: Path
):
    pacs.add(*series(1))
    (tmp_path / "token").write_text("secret-token\n")
    await outcome(with_server('bearer_token_file = "token"'), redis_url)
    assert {head["authorization"] for head in pacs.headers} == {"Bearer secret-token"}
