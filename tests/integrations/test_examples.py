"""Every example is run as its reader would run it, against a running service."""

import csv
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread

from tests.e2e.processes import ROOT
from tests.integrations.conftest import CALLBACK_SECRET
from tests.service.uploads_builder import ct_slices, nifti_bytes, png_bytes

EXAMPLES = ROOT / "integrations" / "examples"


def run(
    address: str, example: str, *arguments: object, **variables: str
) -> "subprocess.CompletedProcess[str]":
    interpreter = "bash" if example.endswith(".sh") else sys.executable
    return subprocess.run(
        [interpreter, str(EXAMPLES / example), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ATYPIA_ADDRESS": address, **variables},
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    path.write_bytes(png_bytes())
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("no image at all, only some words")
    return path


def test_curl_scores_an_image(address: str, image: Path, tmp_path: Path):
    done = run(address, "score.sh", image, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["score"] > 0
    assert (tmp_path / "heatmap.png").read_bytes().startswith(b"\x89PNG")


def test_curl_says_what_is_wrong_with_an_image(address: str, words: Path, tmp_path: Path):
    done = run(address, "score.sh", words, tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stderr.splitlines()[-1])["status"] == 415


def test_bash_turns_a_series_into_dicom_objects(address: str, tmp_path: Path):
    series, results = tmp_path / "series", tmp_path / "results"
    series.mkdir()
    results.mkdir()
    for index, content in enumerate(ct_slices()):
        (series / str(index)).write_bytes(content)
    done = run(address, "series_to_dicom.sh", series, results, MODEL="tiny")
    assert done.returncode == 0, done.stderr
    objects = {path.name: dcmread(path) for path in results.glob("*.dcm")}
    assert {"sc.dcm", "sr.dcm"} <= objects.keys()
    study = dcmread(series / "0").StudyInstanceUID
    assert {found.StudyInstanceUID for found in objects.values()} == {study}


def test_python_scores_one(address: str, image: Path, tmp_path: Path):
    done = run(address, "score_one.py", image, tmp_path / "heatmap.png")
    assert done.returncode == 0, done.stderr
    assert re.match(r"score 0\.\d+, p-value ", done.stdout)
    assert (tmp_path / "heatmap.png").exists()


def test_python_says_what_is_wrong_in_a_sentence(address: str, words: Path, tmp_path: Path):
    done = run(address, "score_one.py", words, tmp_path / "heatmap.png")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_asyncio_scores_a_folder(address: str, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.png").write_bytes(png_bytes())
    (folder / "b.nii").write_bytes(nifti_bytes())
    (folder / "c.txt").write_text("no image at all, only some words")
    done = run(address, "score_folder.py", folder, tmp_path / "scores.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert [(row["image"], bool(row["score"]), bool(row["error"])) for row in rows] == [
        ("a.png", True, False),
        ("b.nii", True, False),
        ("c.txt", False, True),
    ]


def test_pythons_own_library_is_enough(address: str, image: Path, words: Path):
    done = run(address, "without_a_client.py", image, PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["score"] > 0
    assert "RuntimeError" in run(address, "without_a_client.py", words, PYTHONPATH="").stderr


# Of a series that is there: tests/e2e/test_dicomweb_with_orthanc.py.
def test_a_reference_to_an_unknown_server_is_one_sentence(address: str):
    done = run(address, "reference.py", "nowhere", "1.2.3")
    assert done.returncode == 1 and "nowhere" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_callback_is_received_and_a_forged_one_is_not(address: str, image: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text(CALLBACK_SECRET)
    command = [sys.executable, str(EXAMPLES / "receive_callback.py"), "0", str(secret)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            receiving = f"http://127.0.0.1:{receiver.stdout.readline().split()[-1]}/"
            forged = hmac.new(b"another secret", b"", hashlib.sha256).hexdigest()
            headers = {"X-Atypia-Signature": f"t={int(time.time())},v1={forged}"}
            assert httpx.post(receiving, content=b"{}", headers=headers).status_code == 401
            with image.open("rb") as file:
                answer = httpx.post(f"{address}/score", files={"file": file}, params={"callback": receiving})
            assert receiver.stdout.readline() == f"{answer.json()['job_id']} done\n"
        finally:
            receiver.terminate()


def test_every_example_is_run_here():
    named = set(re.findall(r'"(\w+\.(?:py|sh))"', Path(__file__).read_text()))
    assert named == {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"}}
