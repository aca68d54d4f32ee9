"""From a scanner to a PACS and back, between programs that others wrote: dcmtk's storescu and Orthanc."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from integrations.dicom_node.settings import DICOM_FORMS
from tests.e2e.orthanc import DICOM_PORT, HERE, THERE, Orthanc, running_orthanc
from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running
from tests.imaging.dicom_objects.validator import errors_of
from tests.system_packages import lacking

SERIES = ROOT.parent / "shared" / "data" / "dicom" / "series_head_ct_gantry_tilt"
NODE_PORT = 11112
QUIET_S = 1
T = TypeVar("T")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, bundles: Path) -> Iterator[str]:
    data_dir = tmp_path_factory.mktemp("serve")
    with running("serve", "--port", "0", data_dir=data_dir, bundles=bundles) as process:
        yield address_of(process)


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path, {"ATYPIA": (HERE, NODE_PORT)}) as orthanc:
        yield orthanc


@contextmanager
def node(folder: Path, service: str, *, host: str = "127.0.0.1") -> Iterator[int]:
    """A node as an operator starts it; its port."""
    file = folder / "node.toml"
    file.write_text(f"""
        [listen]
        host = "{host}"
        port = {NODE_PORT if host == HERE else 0}
        calling_ae_titles = ["STORESCU", "ORTHANC"]
        [spool]
        folder = "spool"
        quiet_s = {QUIET_S}
        min_free_bytes = 0
        [service]
        address = "{service}"
        [[destination]]
        ae_title = "ORTHANC"
        host = "{THERE}"
        port = {DICOM_PORT}
        [[rule]]
        modality = "CT"
        model = "tiny"
    """)
    log = folder / "node.log"
    with log.open("w") as out, running("dicom-node", str(file), log=out) as process:
        yield int(until(lambda: re.search(r"listens at \S+:(\d+) ", log.read_text()), "the node").group(1))
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()


def storescu(host: str, port: int, *paths: Path, called: str = "ATYPIA") -> None:
    program = shutil.which("storescu") or lacking("storescu (Debian's dcmtk)")
    command = [program, "-aet", "STORESCU", "-aec", called, host, str(port), *map(str, paths)]
    done = subprocess.run(command, check=False, timeout=PATIENCE_S, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def until(answer: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := answer()):
        assert time.monotonic() < deadline, f"waited for {what} in vain"
        time.sleep(0.1)
    return found


def ended_jobs(service: str) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = httpx.get(f"{service}/jobs").json()
    return [job for job in jobs if job["finished_at"]]


def real_series() -> list[Path]:
    """A CT of fourteen slices where the shared files are, otherwise pydicom's own single slice."""
    return sorted(SERIES.glob("*.dcm")) or [Path(str(get_testdata_file("CT_small.dcm")))]


def study_of(paths: list[Path]) -> str:
    return str(dcmread(paths[0], stop_before_pixels=True).StudyInstanceUID)


def test_a_series_of_storescu_is_one_job_of_a_real_service(service: str, tmp_path: Path):
    paths = real_series()
    with node(tmp_path, service) as port:
        storescu("127.0.0.1", port, *paths)
        (job,) = until(lambda: ended_jobs(service), "the job")
    result = httpx.get(f"{service}/jobs/{job['job_id']}/result.json").json()
    assert job["state"] == "done" and len(result["slices"]) == len(paths)


def test_all_results_of_a_series_of_storescu_are_once_in_orthanc(
    service: str, orthanc: Orthanc, tmp_path: Path
):
    paths = real_series()
    study = study_of(paths)
    with node(tmp_path, service, host=HERE) as port:
        for _times in (1, 2):
            storescu(HERE, port, *paths)
            until(lambda: len(orthanc.series_of(study)) == len(DICOM_FORMS), "the results")
            time.sleep(2 * QUIET_S)
    objects = [orthanc.file(instance) for instance in orthanc.instances_of(study)]
    kinds = {dcmread(BytesIO(content)).SOPClassUID for content in objects}
    assert len(kinds) == len(objects) == len(DICOM_FORMS)
    for content in objects:
        assert errors_of(content, tmp_path) == []


def test_a_series_that_orthanc_forwards_gets_its_results_beside_it(
    service: str, orthanc: Orthanc, tmp_path: Path
):
    paths = real_series()
    study = study_of(paths)
    storescu(THERE, DICOM_PORT, *paths, called="ORTHANC")
    with node(tmp_path, service, host=HERE):
        orthanc.send_all("ATYPIA")
        until(lambda: len(orthanc.series_of(study)) == 1 + len(DICOM_FORMS), "the results")
        # Its own results too, as a PACS that forwards whatever it gets.
        orthanc.send_all("ATYPIA")
        time.sleep(4 * QUIET_S)
    assert len(orthanc.instances_of(study)) == len(paths) + len(DICOM_FORMS)
