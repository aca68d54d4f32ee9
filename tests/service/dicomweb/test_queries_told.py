"""What DICOMweb traffic tells an audit record repository."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.audit_repositories import tls_repository
from tests.imaging.dicom_builder import slice_bytes
from tests.service.api.test_stow import related
from tests.service.dicomweb.conftest import MakeSettings
from tests.service.dicomweb.test_by_reference import REFERENCE, STUDY, ended, series
from tests.service.dicomweb.test_results_stored import RESULTS, delivered
from tests.service.dicomweb_server import DicomwebServer
from tests.service.running_app import running_app, running_worker
from tests.service.tls_server import make_authority

pytestmark = pytest.mark.asyncio

QUERIED, RECEIVED = ("110112", "E"), ("110104", "C")


async def test_a_series_by_reference_is_told_as_queried_received_made_and_sent(
    with_server: MakeSettings, pacs: DicomwebServer, redis_url: str, tmp_path: Path
):
    pacs.add(*series(1, PatientID="P-3"))
    make_authority(tmp_path)
    with tls_repository(tmp_path) as there:
        settings = with_server(RESULTS, audit_syslog=there.url, audit_syslog_ca_file=there.ca_file)
        async with running_app(settings, redis_url) as client, running_worker(settings, redis_url):
            path = (await client.post("/score", json=REFERENCE)).headers["location"]
            await delivered(client, (await ended(client, path))["links"]["job"])
            [received, sent] = await asyncio.to_thread(there.until_what, RECEIVED, 2)
    [queried] = there.until_what(QUERIED)
    assert queried.objects["12"] == f"{pacs.url}/studies/{STUDY}/series"
    assert (received.users[0], received.users[1]) == (pacs.url, "anonymous")
    assert (received.objects["110180"], received.objects["2"]) == (STUDY, "P-3")
    assert (sent.users[1], sum(sent.instances.values()), sent.outcome) == (pacs.url, 4, 0)


async def test_each_series_that_is_stored_is_a_transfer_of_its_own(
    with_server: MakeSettings, redis_url: str, tmp_path: Path
):
    make_authority(tmp_path)
    parts = [
        slice_bytes(5.0 * index, index, SeriesInstanceUID=f"1.2.{number}", PatientID=f"P-{number}")
        for number in (1, 2)
        for index in range(number + 1)
    ]
    body, headers = related(parts)
    with tls_repository(tmp_path) as there:
        settings = with_server(audit_syslog=there.url, audit_syslog_ca_file=there.ca_file)
        async with running_app(settings, redis_url) as client:
            answer: httpx.Response = await client.post("/dicomweb/studies", content=body, headers=headers)
            assert answer.status_code == 200
            told = await asyncio.to_thread(there.until_what, RECEIVED, 2)
    assert {one.objects["2"]: sum(one.instances.values()) for one in told} == {"P-1": 2, "P-2": 3}
