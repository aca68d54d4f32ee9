"""A real series in Orthanc, scored by reference, its results stored beside it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from tests.e2e.orthanc import Orthanc, running_orthanc
from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running
from tests.imaging.dicom_objects.validator import errors_of

SERIES = ROOT.parent / "shared" / "data" / "dicom" / "series_head_ct_gantry_tilt"


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path, {}) as orthanc:
        yield orthanc


@pytest.fixture
def client(orthanc: Orthanc, tmp_path: Path, bundles: Path) -> Iterator[httpx.Client]:
    file = tmp_path / "dicomweb.toml"
    url = orthanc.client.base_url.join("/dicom-web")
    file.write_text(f'[[server]]\nname = "pacs"\nurl = "{url}"\nresults = "pacs"\n')
    data_dir = tmp_path / "data"
    with (
        running("serve", "--port", "0", data_dir=data_dir, bundles=bundles, dicomweb_file=file) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE_S) as client,
    ):
        yield client


def real_series() -> list[bytes]:
    """A CT of fourteen slices where the shared files are, otherwise pydicom's own single slice."""
    paths = sorted(SERIES.glob("*.dcm")) or [Path(str(get_testdata_file("CT_small.dcm")))]
    return [path.read_bytes() for path in paths]


def scored(client: httpx.Client, **reference: str) -> dict[str, Any]:
    """The job of a reference, when its results have arrived or were given up."""
    answer = client.post(
        "/score", json={"dicomweb_server": "pacs", **reference}, headers={"Prefer": "wait=60"}
    )
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + PATIENCE_S
    job: dict[str, Any] = client.get(f"/jobs/{answer.json()['job_id']}").json()
    while job["deliveries"][0]["state"] == "waiting" and time.monotonic() < deadline:
        time.sleep(0.1)
        job = client.get(job["links"]["self"]).json()
    return {**job, "result": answer.json()}


def test_a_real_series_in_orthanc_is_scored_by_reference_and_gets_its_four_results_once(
    client: httpx.Client, orthanc: Orthanc, tmp_path: Path
):
    sources = real_series()
    for content in sources:
        orthanc.client.post("/instances", content=content).raise_for_status()
    header = dcmread(BytesIO(sources[0]), stop_before_pixels=True)
    study = str(header.StudyInstanceUID)
    jobs = [
        scored(client, study_uid=study, series_uid=str(header.SeriesInstanceUID)),
        # By now the study holds the results as well: the image is still the only one of its kind.
        scored(client, study_uid=study),
    ]
    assert len(jobs[0]["result"]["slices"]) == len(sources)
    assert jobs[0]["job_id"] == jobs[1]["job_id"]
    assert [job["deliveries"][0]["state"] for job in jobs] == ["stored", "stored"]
    found = orthanc.series_of(study)
    told = {one["series_uid"] for one in jobs[0]["deliveries"][0]["objects"]}
    assert set(found) == told | {str(header.SeriesInstanceUID)} and len(told) == 4
    assert len(orthanc.instances_of(study)) == len(sources) + 4
    for instance in orthanc.instances_of(study):
        content = orthanc.file(instance)
        if dcmread(BytesIO(content), stop_before_pixels=True).SeriesInstanceUID in told:
            assert errors_of(content, tmp_path) == []


def test_what_orthanc_does_not_have_is_not_found(client: httpx.Client):
    answer = client.post(
        "/score",
        json={"dicomweb_server": "pacs", "study_uid": "1.2.3", "series_uid": "1.2.3.4"},
        headers={"Prefer": "wait=60"},
    )
    assert (answer.status_code, answer.json()["title"]) == (404, "Series not found")


def test_the_example_of_a_reference_scores_what_is_in_orthanc(client: httpx.Client, orthanc: Orthanc):
    sources = real_series()
    for content in sources:
        orthanc.client.post("/instances", content=content).raise_for_status()
    study = str(dcmread(BytesIO(sources[0]), stop_before_pixels=True).StudyInstanceUID)
    done = subprocess.run(
        [sys.executable, str(ROOT / "integrations" / "examples" / "reference.py"), "pacs", study],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ATYPIA_ADDRESS": str(client.base_url)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("score ")
