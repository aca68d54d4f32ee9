"""Results as FHIR, read by the resources' own models."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from service.settings import Settings
from tests.imaging.dicom_builder import dicom_bytes
from tests.service.running_app import running_app, running_worker
from tests.service.uploads_builder import grey, png_bytes

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(settings: Settings, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
        yield client


async def report_of(client: httpx.AsyncClient, content: bytes) -> tuple[dict[str, Any], DiagnosticReport]:
    headers = {"Prefer": "wait=60"}
    result = (await client.post("/score?model=tiny&scope=warn", content=content, headers=headers)).json()
    response = await client.get(result["links"]["fhir"])
    assert response.headers["content-type"] == "application/fhir+json"
    return result, DiagnosticReport.model_validate_json(response.content)


async def test_a_report_says_what_the_result_says_of_its_patient_and_study(client: httpx.AsyncClient):
    content = dicom_bytes(grey(0).astype(np.uint16), PatientID="P1", StudyInstanceUID="1.2.3.4")
    result, report = await report_of(client, content)
    assert report.status == "preliminary" and "Research use only" in report.conclusion
    assert report.subject.identifier.value == "P1"
    assert report.imagingStudy[0].identifier.value == "urn:oid:1.2.3.4"
    told = {one.id: one for one in report.contained if one.get_resource_type() == "Observation"}
    assert [f"#{name}" for name in told] == [one.reference for one in report.result]
    assert float(told["score"].valueQuantity.value) == pytest.approx(result["score"])
    assert float(told["p-value"].valueQuantity.value) == pytest.approx(result["p_value"])
    assert told["findings"].valueInteger == len(result["findings"])
    flags = {decision["operating_point"]: decision["flagged"] for decision in result["decisions"]}
    assert {name: told[name].valueBoolean for name in flags} == flags
    [device] = [one for one in report.contained if one.get_resource_type() == "Device"]
    assert (device.deviceName[0].name, device.version[0].value) == ("tiny", "1.0.0")
    assert device.identifier[0].value == result["bundle_digest"]


async def test_of_a_picture_there_is_neither_patient_nor_study(client: httpx.AsyncClient):
    _result, report = await report_of(client, png_bytes())
    assert report.subject is None and report.imagingStudy is None and len(report.result) == 7
