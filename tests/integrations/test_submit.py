"""`atypia submit` against a running service, as a script starts it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from imaging.deidentification.pseudonyms import Pseudonyms
from tests.e2e.processes import ROOT
from tests.imaging.dicom_builder import STUDY_UID, slice_bytes
from tests.service.uploads_builder import ct_slices, nifti_bytes, png_bytes


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a PNG, a NIfTI, and a series of four slices in a folder of its own."""
    folder = tmp_path / "images"
    (folder / "series").mkdir(parents=True)
    (folder / "a.png").write_bytes(png_bytes())
    (folder / "b.nii").write_bytes(nifti_bytes())
    for index, content in enumerate(ct_slices()):
        (folder / "series" / f"{index}").write_bytes(content)
    return folder


def submit(address: str, *arguments: object, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service.cli", "submit", "--address", address, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


def lines_of(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, object]]:
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(row["path"]).name: row for row in rows}


def test_a_folder_is_scored_and_its_files_are_written(address: str, images: Path, tmp_path: Path):
    out = tmp_path / "out"
    done = submit(
        address, images, "--model", "tiny", "--json", "--forms", "json,overlay,map,zip", "--out", out
    )
    assert done.returncode == 0, done.stderr
    rows = lines_of(done)
    assert {name: row["files"] for name, row in rows.items()} == {"a.png": 1, "b.nii": 1, "0": 4}
    assert all(row["state"] == "done" and row["result"] and row["error"] is None for row in rows.values())
    assert sorted(path.name for path in out.iterdir())[:4] == [
        "000000-a.anomaly_map.nii.gz",
        "000000-a.overlay.png",
        "000000-a.result.json",
        "000000-a.result.zip",
    ]
    assert len(list(out.iterdir())) == 12


def test_one_that_cannot_be_scored_is_exit_code_1_and_the_others_go_on(address: str, images: Path):
    (images / "c.txt").write_text("no image at all, only some words")
    done = submit(address, images, "--model", "tiny", "--json")
    assert done.returncode == 1
    rows = lines_of(done)
    assert rows["c.txt"]["error"]["status"] == 415 and rows["a.png"]["result"]["score"] > 0


def test_without_waiting_the_jobs_are_told(address: str, images: Path):
    done = submit(address, images / "a.png", "--no-wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a.png: sent as job " in done.stdout


def test_for_people_an_image_is_a_line(address: str, images: Path):
    done = submit(address, images / "a.png", "--model", "tiny")
    assert done.returncode == 0 and "a.png: score 0." in done.stdout and "percentile" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.png",), "nowhere.png does not exist"),
        ((".", "--model", "none"), "no model 'none' is installed"),
        ((".", "--forms", "json"), "--forms needs --out"),
        ((".", "--forms", "pdf", "--out", "x"), "unknown form pdf"),
        ((".", "--key-file", "nowhere.key"), "nowhere.key"),
    ],
)
def test_a_mistake_is_exit_code_2(address: str, arguments: tuple[str, ...], words: str, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes())
    done = submit(address, *(path if argument == "." else argument for argument in arguments))
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_what_is_sent_names_nobody_and_its_results_are_of_a_pseudonym(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ATYPIA_DATA_DIR", str(tmp_path / "var"))
    folder = tmp_path / "SECRET"
    folder.mkdir()
    for z in range(4):
        (folder / f"SECRET-{z}.dcm").write_bytes(slice_bytes(z, z, PatientID="SECRET-7"))
    command = (folder, "--model", "tiny", "--json", "--forms", "json,sc", "--out", tmp_path / "out")
    plain = submit(address, *command)
    hidden = submit(address, *command, "--deidentify", "--pseudonym-key", tmp_path / "mine.key")
    assert (plain.returncode, hidden.returncode) == (0, 0), plain.stderr + hidden.stderr
    [ours], [theirs] = lines_of(plain).values(), lines_of(hidden).values()
    assert theirs["files"] == 4 and theirs["job_id"] != ours["job_id"]
    assert theirs["result"]["score"] == ours["result"]["score"]
    [capture] = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".dcm"]
    header = dcmread(capture)
    key = Pseudonyms(bytes.fromhex((tmp_path / "mine.key").read_text()))
    assert header.PatientID == header.PatientName == key.patient("SECRET-7")
    assert header.StudyInstanceUID == key.uid(STUDY_UID)
    assert not (tmp_path / "var").exists(), "another key was named"


def test_one_that_cannot_be_deidentified_is_not_sent(address: str, images: Path, tmp_path: Path):
    (images / "c.txt").write_text("Dear SECRET")
    done = submit(
        address, images, "--model", "tiny", "--json", "--deidentify", "--pseudonym-key", tmp_path / "k"
    )
    rows = lines_of(done)
    assert done.returncode == 1 and rows["c.txt"]["job_id"] is None
    assert "no type that can be de-identified" in rows["c.txt"]["error"]["detail"]
    assert rows["a.png"]["state"] == rows["b.nii"]["state"] == "done"


def test_nobody_at_the_address_is_exit_code_3(images: Path):
    done = submit("http://127.0.0.1:9", images / "a.png")
    assert done.returncode == 3 and "the service does not answer" in done.stderr
