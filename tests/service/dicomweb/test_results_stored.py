"""Results on their way to a DICOMweb server by STOW-RS: kept, tried again, told in the job."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.service.dicomweb.conftest import MakeSettings
from tests.service.dicomweb.test_by_reference import REFERENCE, STUDY, ended, series
from tests.service.dicomweb_server import DicomwebServer, header_of
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio

RESULTS = 'results = "pacs"'


def failed(reason: int) -> dict[str, Any]:
    """A Store Instances Response of one instance that failed, PS3.18 I.2."""
    return {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [reason]}}]}}


async def delivered(client: httpx.AsyncClient, job: str, *states: str) -> dict[str, Any]:
    for _ in range(1200):
        [delivery] = (await client.get(job)).json()["deliveries"]
        if delivery["state"] in (states or ("stored", "failed")):
            found: dict[str, Any] = delivery
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"the result is {delivery}")


async def delivery_of(settings: Settings, redis_url: str) -> dict[str, Any]:
    """What becomes of the results of a reference."""
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        path = (await client.post("/score", json=REFERENCE)).headers["location"]
        return await delivered(client, (await ended(client, path))["links"]["job"])


async def test_all_four_objects_arrive_in_the_study_under_the_names_that_the_job_tells(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    sources = series(1)
    pacs.add(*sources)
    found = await delivery_of(with_server(RESULTS), redis_url)
    assert (found["state"], [one["form"] for one in found["objects"]]) == (
        "stored",
        ["sc", "sr", "seg", "pm"],
    )
    told = {(one["sop_class_uid"], one["sop_instance_uid"], one["series_uid"]) for one in found["objects"]}
    headers = [header_of(content) for content in pacs.of(STUDY)[len(sources) :]]
    there = {(one.SOPClassUID, one.SOPInstanceUID, one.SeriesInstanceUID) for one in headers}
    assert told == there and len(there) == 4


async def test_the_same_study_named_again_makes_no_second_object(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    settings = with_server(RESULTS)
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        jobs = set()
        for times in (1, 2):
            reference = {"dicomweb_server": "pacs", "study_uid": STUDY}
            path = (await client.post("/score", json=reference)).headers["location"]
            job = (await ended(client, path))["links"]["job"]
            while len(pacs.stored()) < 4 * times:
                await asyncio.sleep(0.05)
            await delivered(client, job, "stored")
            jobs.add(job)
        metrics = (await client.get("/metrics")).text
    assert 'atypia_retrievals_total{outcome="submitted"} 2.0' in metrics
    assert 'atypia_deliveries_total{outcome="stored"} 2.0' in metrics
    assert len(jobs) == 1 and len(pacs.of(STUDY)) == 3 + 4


async def test_results_of_an_upload_are_stored_where_its_sender_says(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    settings = with_server('forms = ["sr"]')
    files = [("file", ("x", content)) for content in series(1)]
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        job = (await client.post("/score?results=pacs", files=files)).headers["location"]
        assert (await delivered(client, job))["state"] == "stored"
    assert [header_of(content).Modality for content in pacs.of(STUDY)] == ["SR"]


async def test_a_server_that_is_away_or_has_no_room_gets_only_what_it_lacks_later(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    pacs.store_answers = [(503, {}), (200, {}), (409, failed(0xA700))]
    found = await delivery_of(with_server(RESULTS), redis_url)
    assert (found["state"], found["tries"], len(pacs.stored())) == ("stored", 2, 6)


async def test_what_is_there_already_is_stored(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    pacs.store_answers = [(409, failed(0x0111))] * 4
    found = await delivery_of(with_server(RESULTS), redis_url)
    assert (found["state"], found["tries"], len(found["objects"])) == ("stored", 0, 4)


async def test_an_object_that_is_refused_for_good_is_named_and_the_others_arrive(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    pacs.add(*series(1))
    pacs.store_answers = [(202, {}), (409, failed(0x0122))]
    found = await delivery_of(with_server(RESULTS), redis_url)
    assert found["state"] == "failed" and found["reason"].endswith(
        "refuses sr: it answers 409, failure reason 0122"
    )
    assert [one["form"] for one in found["objects"]] == ["sc", "seg", "pm"]


async def test_a_result_outlives_the_service_that_owes_it(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    pacs.add(*series(1))
    monkeypatch.setattr("service.agenda.LEASE_S", 1)
    pacs.store_answers = [(503, {})] * 10_000
    settings = with_server(RESULTS)
    async with running_worker(settings, redis_url):
        async with running_app(settings, redis_url) as client:
            path = (await client.post("/score", json=REFERENCE)).headers["location"]
            job = (await ended(client, path))["links"]["job"]
            while (await client.get(job)).json()["deliveries"][0]["tries"] == 0:
                await asyncio.sleep(0.05)
        pacs.store_answers.clear()
        async with running_app(settings, redis_url) as client:
            assert (await delivered(client, job))["state"] == "stored"


async def test_a_failed_job_that_is_tried_again_still_owes_its_result(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    pacs.add(*series(1))
    monkeypatch.setattr("service.api.result_sender._FAILED_LOOK_S", 0.0)
    settings = with_server(RESULTS)
    async with running_app(settings, redis_url) as client:
        path = (await client.post("/score", json=REFERENCE)).headers["location"]
        job = (await ended(client, path))["links"]["job"]
        await client.delete(job)
        await asyncio.sleep(0.5)
        await client.post(f"{job}/retry")
        async with running_worker(settings, redis_url):
            assert (await delivered(client, job))["state"] == "stored"


async def test_an_image_that_did_not_come_as_dicom_has_nothing_to_store_and_says_so(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str
):
    settings = with_server()
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        job = (await client.post("/score?results=pacs", content=png_bytes())).headers["location"]
        found = await delivered(client, job)
    assert (found["state"], pacs.stored()) == ("failed", []) and "nothing to store" in found["reason"]


async def test_no_uid_and_no_token_is_in_the_log(
    with_server: MakeSettings,
    pacs: DicomwebServer,
    redis_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
):
    pacs.add(*series(1))
    pacs.answers = [503]
    pacs.store_answers = [(503, {})]
    (tmp_path / "token").write_text("secret-token")
    with caplog.at_level("INFO", "service"):
        await delivery_of(with_server(RESULTS, 'bearer_token_file = "token"'), redis_url)
    ours = [line for name, _level, line in caplog.record_tuples if name.startswith("service")]
    assert any("again in" in line for line in ours)
    assert not any(word in line for line in ours for word in (STUDY, "secret-token", "SECRET"))
