"""`atypia deidentify` as a user runs it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from service.pseudonym_key import pseudonym_key
from tests.e2e.processes import ROOT
from tests.imaging.dicom_builder import slice_bytes
from tests.service.uploads_builder import png_bytes


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A patient's folder with a series of two slices, an ultrasound picture, a PNG and a DICOMDIR."""
    folder = tmp_path / "SECRET^PATIENT"
    (folder / "series").mkdir(parents=True)
    for z in range(2):
        (folder / "series" / f"SECRET-{z}.dcm").write_bytes(slice_bytes(z, z, PatientID="SECRET-7"))
    (folder / "us.dcm").write_bytes(slice_bytes(9, Modality="US", PatientID="SECRET-7"))
    (folder / "a.png").write_bytes(png_bytes())
    (folder / "DICOMDIR").write_bytes(b"an index")
    return folder


def run(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service.cli", "deidentify", *map(str, arguments)]
    variables = {**os.environ, "ATYPIA_DATA_DIR": str(folder / "var")}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120, env=variables
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def headers_of(folder: Path) -> list[Dataset]:
    return [dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def test_a_folder_comes_out_under_names_that_say_nothing(sources: Path, tmp_path: Path):
    before = files_of(sources)
    done = run(tmp_path, sources, "--out", tmp_path / "out")
    made = files_of(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "4 images and objects de-identified" in done.stdout
    assert len(made) == 4 and not any("SECRET" in name or b"SECRET" in made[name] for name in made)
    assert files_of(sources) == before
    series = {path.parent for path in (tmp_path / "out").rglob("*.dcm")}
    assert len(series) == 2, "one folder for each of the sources' folders"


def test_a_second_run_makes_the_same_files_by_the_kept_key(sources: Path, tmp_path: Path):
    assert run(tmp_path, sources, "--out", tmp_path / "one").returncode == 0
    assert run(tmp_path, sources, "--out", tmp_path / "two").returncode == 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    mode = (tmp_path / "var" / "deidentify.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_another_key_makes_other_pseudonyms(sources: Path, tmp_path: Path):
    (tmp_path / "other.key").write_text("00" * 32)
    run(tmp_path, sources, "--out", tmp_path / "one")
    run(tmp_path, sources, "--out", tmp_path / "two", "--key-file", tmp_path / "other.key")
    ours, theirs = ({header.PatientID for header in headers_of(tmp_path / name)} for name in ("one", "two"))
    assert len(ours) == len(theirs) == 1 and ours != theirs


def test_burned_in_text_is_warned_of(sources: Path, tmp_path: Path):
    done = run(tmp_path, sources, "--out", tmp_path / "out")
    assert "1 files: ultrasound images often have text burned in" in done.stderr


def test_options_and_subject_are_followed_and_reported(sources: Path, tmp_path: Path):
    report = tmp_path / "report.json"
    arguments = ("--option", "retain-uids", "--option", "retain-full-dates", "--subject", "TRIAL-7")
    done = run(tmp_path, sources, "--out", tmp_path / "out", *arguments, "--report", report)
    assert done.returncode == 0, done.stderr
    said = json.loads(report.read_text())
    assert (said["edition"], said["options"]) == ("2026d", ["retain-full-dates", "retain-uids"])
    assert (said["files"], said["uids_mapped"], said["not_written"]) == (4, 0, 0)
    assert "SECRET" not in report.read_text()
    assert {header.PatientID for header in headers_of(tmp_path / "out")} == {"TRIAL-7"}


def test_one_that_cannot_be_is_exit_code_1_and_is_not_copied(sources: Path, tmp_path: Path):
    (sources / "letter.txt").write_text("Dear SECRET")
    done = run(tmp_path, sources, "--out", tmp_path / "out")
    assert done.returncode == 1 and "letter.txt: the file is of no type" in done.stderr
    assert len(files_of(tmp_path / "out")) == 4 and "1 files not written" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "--out", "out"), "nowhere does not exist"),
        ((".", "--out", "."), "choose another folder for --out"),
        ((".", "--out", "./within"), "choose another folder for --out"),
        ((".", "--out", "out", "--option", "clean-pixel-data"), "unknown option clean-pixel-data"),
        ((".", "--out", "out", "--key-file", "a.png"), "holds no key"),
        ((".",), "--out"),
    ],
)
def test_a_mistake_is_exit_code_2(sources: Path, tmp_path: Path, arguments: tuple[str, ...], words: str):
    places = {
        ".": sources,
        "./within": sources / "within",
        "out": tmp_path / "out",
        "a.png": sources / "a.png",
    }
    done = run(tmp_path, *(places.get(argument, argument) for argument in arguments))
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_key_is_made_once_and_read_afterwards(tmp_path: Path):
    path = tmp_path / "new" / "deidentify.key"
    key = pseudonym_key(path)
    assert len(key) == 32 and pseudonym_key(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["deidentify.key"]
