"""A whole session with a patient's name planted wherever a sender can put it: none of it is logged."""

import logging
import re

import httpx
import numpy as np
import pytest

from service.settings import Settings
from tests.imaging.dicom_builder import dicom_bytes
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import grey

pytestmark = pytest.mark.asyncio

PLANTED = "Planted"
PATIENT = {
    "PatientName": "PlantedName^Jane",
    "PatientID": "PlantedID",
    "AccessionNumber": "PlantedNumber",
    "StudyDescription": "PlantedStudy",
}
WAIT = {"Prefer": "wait=60"}


def file(content: bytes, name: str = "PlantedFile_Jane.dcm") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, content)}


async def whole_session(client: httpx.AsyncClient) -> list[int]:
    """What goes well and what goes wrong, and the answers' statuses."""
    pixels = grey(0).astype(np.uint16)
    instance = dicom_bytes(pixels, **PATIENT)
    odd = dicom_bytes(pixels, **PATIENT, RescaleSlope="1.0000000000").replace(
        b"1.0000000000", b"PlantedSlope"
    )
    scored = await client.post("/score", files=file(instance), headers=WAIT)
    job = scored.json()["links"]["self"]
    answers = [
        scored,
        await client.get(f"{job}/result.zip"),
        await client.post("/score", files=file(instance[:-100]), headers=WAIT),
        await client.post("/score", files=file(odd), headers=WAIT),
        await client.post("/score", files=file(b"PlantedBytes" * 9, "PlantedFile.nii.gz")),
        await client.post("/score?model=PlantedModel", files=file(instance)),
        await client.post("/score?PlantedField=PlantedValue", files=file(instance)),
        await client.post("/score", files=file(instance), data={"PlantedField": "PlantedValue"}),
        await client.post("/score", content=b"x", headers={"Content-Type": "multipart/form-data; Planted"}),
        await client.get("/jobs/PlantedName%0aPlanted"),
        await client.get("/PlantedPath?PlantedName=Planted"),
        await client.get("/jobs", headers={"Authorization": "Bearer PlantedKey"}),
        await client.delete(job),
    ]
    return [answer.status_code for answer in answers]


async def test_no_line_of_a_whole_session_holds_what_names_a_patient(
    settings: Settings,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        statuses = await whole_session(client)
    assert (statuses[0], max(statuses)) == (200, 422)
    out, err = capfd.readouterr()
    ours = [line for line in caplog.text.splitlines() if " httpx:" not in line]  # the test's own client
    audit = "".join(path.read_text() for path in settings.audit_dir.glob("*.jsonl"))
    text = "\n".join([*ours, out, err, audit])
    assert "POST" in text
    assert re.findall(f".*{PLANTED}.*", text) == []


async def test_an_unexpected_failure_is_logged_by_route_and_request(
    settings: Settings, redis_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_arguments: object) -> None:
        raise LookupError(PLANTED)

    monkeypatch.setattr("service.queue.Queue.get", fail)
    async with running_app(settings, redis_url) as client:
        response = await client.get("/jobs/PlantedName%0aPlanted", headers={"X-Request-ID": "scanner-7"})
    assert response.status_code == 500 and PLANTED not in response.text
    lines = [record.getMessage() for record in caplog.records if record.name == "service.failure_log"]
    assert len(lines) == 1 and PLANTED not in lines[0]
    assert lines[0].startswith("request scanner-7: GET /jobs/{job_id} failed: LookupError at ")
