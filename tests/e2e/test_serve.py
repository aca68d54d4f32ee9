"""`atypia serve` as a newcomer runs it."""

import gzip
import io
import os
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import nibabel
import numpy as np
import pytest
from pydicom.data import get_testdata_file

from tests.e2e.processes import PATIENCE_S, ROOT, address_of, running, start, wait_until_ready

WAIT = {"Prefer": "wait=60"}
SAMPLES = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, bundles: Path) -> Iterator[httpx.Client]:
    data_dir = tmp_path_factory.mktemp("serve")
    with (
        running("serve", "--port", "0", data_dir=data_dir, bundles=bundles) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE_S) as client,
    ):
        yield client


def sample(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


def test_a_real_ct_slice_gets_a_score_and_a_heatmap(client: httpx.Client):
    result = client.post("/score", files={"file": sample("CT_small.dcm")}, headers=WAIT).json()
    assert 0 < result["score"] < 1 and 0 < result["p_value"] <= 1
    assert client.get(result["links"]["overlay"]).content.startswith(b"\x89PNG")


def test_a_sent_form_reaches_the_store_in_pieces(client: httpx.Client):
    volume = np.random.default_rng(0).integers(0, 255, (300, 300, 30), np.uint8)
    content = nibabel.Nifti1Image(volume, np.eye(4)).to_bytes()
    files = {"any": ("../../etc/passwd", content)}
    result = client.post("/score", files=files, data={"model": "tiny"}, headers=WAIT).json()
    assert len(result["slices"]) == 30


def test_a_real_ct_series_as_a_zip_gets_a_map_on_its_own_grid(client: httpx.Client):
    folder = SAMPLES / "dicom" / "series_head_ct_gantry_tilt"
    if not folder.is_dir():
        pytest.skip("the shared DICOM files are not on this machine")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    response = client.post("/score", content=out.getvalue(), headers=WAIT)
    result = response.json()
    assert response.status_code == 200, result
    found = nibabel.Nifti1Image.from_bytes(
        gzip.decompress(client.get(result["links"]["anomaly_map"]).content)
    )
    assert found.shape[2] == len(result["slices"]) == len(list(folder.iterdir()))


def test_a_real_brain_gets_a_map_with_its_own_affine(client: httpx.Client):
    scans = sorted((SAMPLES / "3d" / "ptbp_t1_healthy" / "test").rglob("T1.nii.gz"))
    if not scans:
        pytest.skip("the shared brain scans are not on this machine")
    source = nibabel.load(scans[0])
    result = client.post("/score", content=scans[0].read_bytes(), headers=WAIT).json()
    found = nibabel.Nifti1Image.from_bytes(
        gzip.decompress(client.get(result["links"]["anomaly_map"]).content)
    )
    assert found.shape == source.shape[:3]
    np.testing.assert_allclose(found.affine, source.affine, atol=1e-5)


def test_the_printed_commands_work(tmp_path: Path, bundles: Path):
    heatmap = tmp_path / "heatmap.png"
    with start("serve", "--port", "0", data_dir=tmp_path / "data", bundles=bundles) as process:
        address_of(process)
        assert process.stdout is not None
        printed = (line.strip() for line in process.stdout)
        commands = list(islice((line for line in printed if line.startswith("curl")), 2))
        answers = [run_in_shell(command.replace("heatmap.png", str(heatmap))) for command in commands]
        process.terminate()
    assert b'"p_value"' in answers[0]
    assert heatmap.read_bytes().startswith(b"\x89PNG")


def test_it_stops_within_seconds_and_leaves_no_process(tmp_path: Path, bundles: Path):
    process = start("serve", "--port", "0", data_dir=tmp_path, bundles=bundles)
    address_of(process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and time.monotonic() - began < 15
    assert processes_that_mention(str(tmp_path)) == []


def test_a_stream_of_all_jobs_ends_with_the_service_and_does_not_hold_it_up(tmp_path: Path, bundles: Path):
    with (tmp_path / "log").open("w+") as log:
        process = start("serve", "--port", "0", data_dir=tmp_path / "data", bundles=bundles, log=log)
        address = address_of(process)
        with httpx.stream("GET", f"{address}/jobs/events", timeout=PATIENCE_S) as response:
            began = time.monotonic()
            process.terminate()
            with suppress(httpx.RemoteProtocolError):  # there is no last piece
                response.read()
        process.communicate(timeout=PATIENCE_S)
        log.seek(0)
        assert (process.returncode, "Traceback" in log.read()) == (0, False)
    assert time.monotonic() - began < 5


def test_a_dead_worker_is_started_again(tmp_path: Path, bundles: Path):
    with (
        running("serve", "--port", "0", data_dir=tmp_path, bundles=bundles) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE_S) as client,
    ):
        [worker] = children_of(process.pid, "service.cli worker")
        os.kill(worker, signal.SIGKILL)
        while client.get("/readyz").status_code == 200:
            time.sleep(0.1)
        wait_until_ready(client)


def anomaly_map(client: httpx.Client, result: dict[str, Any]) -> nibabel.Nifti1Image:
    content = client.get(result["links"]["anomaly_map"]).content
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


def run_in_shell(command: str) -> bytes:
    return subprocess.run(["bash", "-c", command], capture_output=True, cwd=ROOT, check=True).stdout


def processes_that_mention(text: str) -> list[str]:
    lines = subprocess.run(
        ["ps", "axeww", "-o", "pid,args"], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in lines.splitlines() if text in line and "ps axeww" not in line]


def children_of(pid: int, word: str) -> list[int]:
    lines = subprocess.run(
        ["ps", "ax", "-o", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(rf"^\s*(\d+)\s+{pid}\s+(.*)$", lines, re.MULTILINE)
    return [int(child) for child, arguments in found if word in arguments]
