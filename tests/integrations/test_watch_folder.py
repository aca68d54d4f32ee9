"""`atypia watch` beside a running service: what is put into a folder comes out of the other."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import PATIENCE_S, start
from tests.integrations.watching import has_begun, names, record, watch, watch_once
from tests.service.uploads_builder import ct_slices, png_bytes

MODEL = ("--model", "tiny")


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def put_series(folder: Path, *, seed: int = 0) -> None:
    folder.mkdir(parents=True)
    for index, content in enumerate(ct_slices(seed)):
        (folder / str(index)).write_bytes(content)


def jobs_of(address: str) -> set[str]:
    return {job["job_id"] for job in httpx.get(f"{address}/jobs", params={"limit": 1000}).json()}


def series_folder(out: Path) -> Path:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := list(out.glob("series-*"))):
        assert time.monotonic() < deadline, "no results of a series"
        time.sleep(0.05)
    return found[0]


def test_an_image_gets_a_folder_of_its_own_with_its_results(address: str, watched: Path, out: Path):
    (watched / "ward" / "a.png").parent.mkdir()
    (watched / "ward" / "a.png").write_bytes(png_bytes())
    with watch(address, watched, out, *MODEL):
        told = record(out / "ward" / "a.png")
    assert told["state"] == "done"
    assert names(out / "ward" / "a.png") == {
        "source.json",
        "result.json",
        "overlay.png",
        "anomaly_map.nii.gz",
    }
    assert json.loads((out / "ward" / "a.png" / "result.json").read_text())["score"] > 0


def test_the_slices_of_a_series_are_one_image_with_dicom_results(address: str, watched: Path, out: Path):
    put_series(watched / "study")
    with watch(address, watched, out, *MODEL):
        (out / "study").mkdir(parents=True, exist_ok=True)
        folder = series_folder(out / "study")
        told = record(folder)
    assert len(told["files"]) == 4 and {"sc.dcm", "sr.dcm"} <= names(folder)


def test_what_is_no_image_gets_the_reason_instead(address: str, watched: Path, out: Path):
    (watched / "words.txt").write_text("no image at all, only some words")
    with watch(address, watched, out, *MODEL):
        assert record(out / "words.txt")["state"] == "failed"
    error = json.loads((out / "words.txt" / "error.json").read_text())
    assert error["status"] == 415 and error["detail"]


def test_what_is_still_being_written_is_left_alone(address: str, watched: Path, out: Path):
    whole = png_bytes(7)
    for name in ("a.png.part", "~b.png~", ".c.png", "Thumbs.db"):
        (watched / name).write_bytes(whole[:100])
    with watch(address, watched, out, *MODEL):
        with (watched / "slow.png").open("wb") as file:
            for index in range(0, len(whole), len(whole) // 8):
                file.write(whole[index : index + len(whole) // 8])
                file.flush()
                time.sleep(0.2)
        assert record(out / "slow.png")["state"] == "done"
    assert {path.name for path in out.glob("[!.]*")} == {"slow.png"}


def test_a_changed_image_replaces_its_results_and_an_unchanged_one_does_not(
    address: str, watched: Path, out: Path
):
    (watched / "a.png").write_bytes(png_bytes(1))
    (watched / "b.png").write_bytes(png_bytes(2))
    with watch(address, watched, out, *MODEL):
        first = {name: record(out / name) for name in ("a.png", "b.png")}
    at = (out / "b.png" / "source.json").stat().st_mtime_ns
    (watched / "a.png").write_bytes(png_bytes(3))
    watch_once(address, watched, out, *MODEL)
    assert record(out / "a.png")["job_id"] != first["a.png"]["job_id"]
    assert (out / "b.png" / "source.json").stat().st_mtime_ns == at


def test_the_same_image_under_another_name_is_the_same_job(address: str, watched: Path, out: Path):
    (watched / "a.png").write_bytes(png_bytes(4))
    (watched / "again.png").write_bytes(png_bytes(4))
    with watch(address, watched, out, *MODEL):
        assert record(out / "a.png")["job_id"] == record(out / "again.png")["job_id"]


def test_images_are_moved_away_when_that_is_asked_for(address: str, watched: Path, out: Path, tmp_path: Path):
    (watched / "ward").mkdir()
    (watched / "ward" / "a.png").write_bytes(png_bytes(5))
    with watch(address, watched, out, *MODEL, "--move-to", str(tmp_path / "done")):
        record(out / "ward" / "a.png")
        deadline = time.monotonic() + PATIENCE_S
        while not (tmp_path / "done" / "ward" / "a.png").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not (watched / "ward" / "a.png").exists()


def test_a_service_that_is_away_is_waited_for(address: str, watched: Path, out: Path):
    (watched / "a.png").write_bytes(png_bytes(6))
    with watch("http://127.0.0.1:9", watched, out, *MODEL) as log:
        deadline = time.monotonic() + PATIENCE_S
        while "again in 2 s" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not (out / "a.png").exists()
        assert "a.png" not in log.read_text()
    with watch(address, watched, out, *MODEL):
        assert record(out / "a.png")["state"] == "done"


def test_no_image_is_lost_or_doubled_while_the_watch_is_killed(
    address: str, watched: Path, out: Path, tmp_path: Path
):
    count, kills, dice = 30, 5, random.Random(0)
    before = jobs_of(address)
    for index in range(count):
        (watched / f"{index}.png").write_bytes(png_bytes(100 + index))
    arguments = (
        str(watched),
        str(out),
        "--address",
        address,
        "--quiet",
        "0",
        "--poll",
        "0.1",
        "--at-once",
        "1",
    )
    done_at_kills = []
    for kill in range(kills):
        with (tmp_path / f"{kill}.log").open("w") as log:
            process = start("watch", *arguments, *MODEL, log=log)
            has_begun(tmp_path / f"{kill}.log", times=1)
            time.sleep(dice.uniform(0.1, 0.5))
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        done_at_kills.append(len(list(out.glob("*.png/source.json"))))
    with watch(address, watched, out, *MODEL):
        told = [record(out / f"{index}.png") for index in range(count)]
    assert 0 < done_at_kills[-1] < count, "the kills fell before or after the work"
    assert all(one["state"] == "done" for one in told)
    assert len(jobs_of(address) - before) == count
    assert all((out / f"{index}.png" / "overlay.png").stat().st_size for index in range(count))
    assert not list(out.glob(".unfinished/*"))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("nowhere", "out"), "nowhere is no folder"),
        (("in", "in/results"), "lies in the watched folder"),
        (("in", "out", "--forms", "pdf"), "unknown form 'pdf'"),
    ],
)
def test_a_mistake_ends_it_with_one_sentence(
    address: str, watched: Path, tmp_path: Path, told: tuple[str, ...], words: str
):
    places = [str(tmp_path / place) for place in told[:2]]
    with (tmp_path / "log").open("w") as log:
        process = start("watch", *places, "--address", address, *told[2:], log=log)
        process.communicate(timeout=PATIENCE_S)
    text = (tmp_path / "log").read_text()
    assert process.returncode == 2 and words in text and "Traceback" not in text


def test_two_watches_do_not_share_a_folder_of_results(address: str, watched: Path, out: Path, tmp_path: Path):
    (watched / "a.png").write_bytes(png_bytes())
    with watch(address, watched, out, *MODEL):
        record(out / "a.png")
        with (tmp_path / "log").open("w") as log:
            second = start("watch", str(watched), str(out), "--address", address, log=log)
            second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 2 and "another process works in" in (tmp_path / "log").read_text()
    shutil.rmtree(out)
