import json
import threading
from pathlib import Path

import httpx
import pytest

from service.audit import AuditLog
from service.settings import Settings
from tests.service.running_app import running_app
from tests.service.uploads_builder import png_bytes


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit")


def file_of(tmp_path: Path) -> Path:
    return next((tmp_path / "audit").glob("*.jsonl"))


def test_a_chain_that_nobody_touched_is_whole(log: AuditLog, tmp_path: Path):
    for number in range(3):
        log.write("test", number=number)
    assert log.verify() == (3, None)
    assert (tmp_path / "audit").stat().st_mode & 0o077 == 0
    assert file_of(tmp_path).stat().st_mode & 0o077 == 0


def test_a_changed_line_breaks_the_chain_after_it(log: AuditLog, tmp_path: Path):
    for number in range(3):
        log.write("test", number=number)
    path = file_of(tmp_path)
    path.write_text(path.read_text().replace('"number": 1', '"number": 7'))
    assert log.verify() == (2, f"{path.name}:3")


def test_a_line_that_was_taken_out_is_missed(log: AuditLog, tmp_path: Path):
    for number in range(3):
        log.write("test", number=number)
    path = file_of(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2])
    assert log.verify() == (1, f"{path.name}:2")


def test_the_chain_goes_on_from_month_to_month(log: AuditLog, tmp_path: Path):
    log.write("test")
    path = file_of(tmp_path)
    path.rename(path.with_name("2020-01.jsonl"))
    log.write("test")
    assert log.verify() == (2, None)
    (tmp_path / "audit" / "2020-01.jsonl").unlink()
    assert log.verify() == (0, f"{path.name}:1")


def test_several_writers_make_one_chain(tmp_path: Path):
    def write() -> None:
        for _ in range(10):
            AuditLog(tmp_path / "audit").write("test")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditLog(tmp_path / "audit").verify() == (40, None)


def test_a_long_line_does_not_break_the_chain(log: AuditLog):
    for size in (10_000, 1, 4096, 1):
        log.write("test", text="A" * size)
    assert log.verify() == (4, None)


def test_a_torn_line_takes_no_other_with_it(log: AuditLog, tmp_path: Path):
    for _ in range(2):
        log.write("test")
    path = file_of(tmp_path)
    path.write_text(path.read_text()[:-20])
    log.write("after")
    assert log.verify() == (1, f"{path.name}:2")
    assert json.loads(path.read_text().splitlines()[2])["event"] == "after"


@pytest.mark.asyncio
async def test_what_is_no_job_id_is_not_written_down(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        assert (await client.get("/jobs/DOE^JOHN" + "A" * 9000)).status_code == 404
    text = next(settings.audit_dir.glob("*.jsonl")).read_text()
    assert (json.loads(text)["route"], json.loads(text)["job_id"]) == ("/jobs/{job_id}", None)


@pytest.mark.asyncio
async def test_a_request_leaves_who_what_and_which_job_and_no_more(settings: Settings, redis_url: str):
    async with running_app(settings, redis_url) as client:
        files = {"file": ("DOE^JOHN.png", png_bytes())}
        sent: httpx.Response = await client.post("/score?scope=warn", files=files)
        job_id = sent.json()["job_id"]
        await client.get(f"/jobs/{job_id}")
        await client.get("/healthz")
        await client.get("/nowhere")
    text = next(settings.audit_dir.glob("*.jsonl")).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    seen = [(line["who"], line["method"], line["route"], line["job_id"], line["status"]) for line in lines]
    assert seen == [
        ("anonymous", "POST", "/score", job_id, 202),
        ("anonymous", "GET", "/jobs/{job_id}", job_id, 200),
    ]
    assert "DOE" not in text
