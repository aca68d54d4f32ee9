"""The worker between a worklist, a real service and a DICOMweb server."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations.ups_worker.command import work
from integrations.ups_worker.errors import SettingsFileError
from integrations.ups_worker.settings import WorkerSettings
from tests.e2e.processes import PATIENCE_S, address_of, running
from tests.imaging.dicom_builder import slice_bytes
from tests.integrations.ups_worker.ups_server import UpsServer, first, ups_server
from tests.service.dicomweb_server import DicomwebServer, dicomweb_server, header_of

STUDY = "1.2.3"
SERIES = (STUDY, "1.2.3.1")
MakeSettings = Callable[..., WorkerSettings]


@pytest.fixture(scope="module")
def pacs() -> Iterator[DicomwebServer]:
    with dicomweb_server() as server:
        names = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES[1], "FrameOfReferenceUID": "1.2.7"}
        server.add(*(slice_bytes(5.0 * index, index, **names) for index in range(3)))
        yield server


@pytest.fixture(scope="module")
def service(pacs: DicomwebServer, tmp_path_factory: pytest.TempPathFactory, bundles: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("serve")
    file = folder / "dicomweb.toml"
    file.write_text(f'[[server]]\nname = "pacs"\nurl = "{pacs.url}"\nresults = "pacs"\ntries = 1\n')
    with running("serve", "--port", "0", data_dir=folder, bundles=bundles, dicomweb_file=file) as process:
        yield address_of(process)


@pytest.fixture
def worklist() -> Iterator[UpsServer]:
    with ups_server() as server:
        yield server


@pytest.fixture
def make_settings(worklist: UpsServer, service: str, tmp_path: Path) -> MakeSettings:
    def make(folder: str = "worker", model: str = "tiny", only: str = "") -> WorkerSettings:
        file = tmp_path / "ups.toml"
        file.write_text(f"""
            folder = "{folder}"
            [worklist]
            url = "{worklist.url}"
            poll_s = 0.2
            {only}
            [service]
            address = "{service}"
            dicomweb_server = "pacs"
            model = "{model}"
            retrieve_url = "https://pacs.example/dicom-web"
        """)
        return WorkerSettings.read(file)

    return make


@contextmanager
def worker(settings: WorkerSettings) -> Iterator[None]:
    stopped = threading.Event()
    thread = threading.Thread(target=work, args=(settings, stopped))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(PATIENCE_S)


def until(answer: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not answer():
        assert time.monotonic() < deadline, f"waited for {what} in vain"
        time.sleep(0.05)


def is_ended(worklist: UpsServer, uid: str) -> bool:
    return worklist.state(uid) in ("COMPLETED", "CANCELED")


def test_a_workitem_is_claimed_scored_and_completed_with_references_to_what_is_stored(
    make_settings: MakeSettings, worklist: UpsServer, pacs: DicomwebServer
):
    worklist.schedule("1.9.1", SERIES)
    with worker(make_settings()):
        until(lambda: is_ended(worklist, "1.9.1"), "the end")
    assert worklist.changes == [("IN PROGRESS", 200), ("COMPLETED", 200)]
    performed = worklist.workitems["1.9.1"]["00741216"]["Value"][0]
    outputs = performed["00404033"]["Value"]
    told = {first(item, "00081199", "00081155") for item in outputs}
    there = {str(header_of(content).SOPInstanceUID) for content in pacs.of(STUDY)}
    assert len(told) == 4 and told < there
    assert first(outputs[0], "0040E025", "00081190").startswith(
        "https://pacs.example/dicom-web/studies/1.2.3/"
    )
    assert worklist.progress == sorted(worklist.progress) and worklist.progress[-1] == 100


def test_two_workers_do_a_workitem_once(make_settings: MakeSettings, worklist: UpsServer):
    for number in range(3):
        worklist.schedule(f"1.9.{number}", SERIES)
    with worker(make_settings("one")), worker(make_settings("two")):
        until(lambda: all(is_ended(worklist, uid) for uid in worklist.workitems), "the end")
    assert worklist.changes.count(("COMPLETED", 200)) == 3
    assert {worklist.state(uid) for uid in worklist.workitems} == {"COMPLETED"}


def test_a_claim_whose_answer_is_lost_is_still_ours(make_settings: MakeSettings, worklist: UpsServer):
    worklist.losses = 1
    worklist.schedule("1.9.1", SERIES)
    with worker(make_settings()):
        until(lambda: is_ended(worklist, "1.9.1"), "the end")
    assert worklist.changes == [("IN PROGRESS", 200), ("IN PROGRESS", 409), ("COMPLETED", 200)]


def test_a_worker_that_is_started_again_goes_on_with_what_it_had_claimed(
    make_settings: MakeSettings, worklist: UpsServer
):
    settings = make_settings()
    worklist.schedule("1.9.1", SERIES)
    # Every look at the workitem fails, so that it is claimed and not ended.
    with worker(settings):
        until(lambda: worklist.state("1.9.1") == "IN PROGRESS", "the claim")
        worklist.away = [503] * 10_000
    assert [path.suffix for path in settings.folder.iterdir()] == [".json"]
    worklist.away.clear()
    with worker(settings):
        until(lambda: is_ended(worklist, "1.9.1"), "the end")
    assert worklist.changes == [("IN PROGRESS", 200), ("COMPLETED", 200)]
    assert list(settings.folder.iterdir()) == []


def test_a_series_that_cannot_be_scored_ends_its_workitem_with_the_reason(
    make_settings: MakeSettings, worklist: UpsServer
):
    worklist.schedule("1.9.1", (STUDY, "1.2.3.99"))
    worklist.schedule("1.9.2", SERIES)
    with worker(make_settings(model="tiny-us")):
        until(lambda: all(is_ended(worklist, uid) for uid in worklist.workitems), "the end")
    reasons = [first(worklist.workitems[uid], "00741002", "00741238") for uid in ("1.9.1", "1.9.2")]
    assert reasons == ["Series not found (404)", "Out of scope (422)"]
    assert {worklist.state(uid) for uid in worklist.workitems} == {"CANCELED"}


def test_a_workitem_of_several_series_is_left_to_others(make_settings: MakeSettings, worklist: UpsServer):
    worklist.schedule("1.9.1", SERIES, (STUDY, "1.2.3.2"))
    worklist.schedule("1.9.2", SERIES)
    with worker(make_settings()):
        until(lambda: is_ended(worklist, "1.9.2"), "the end of the other")
    assert worklist.state("1.9.1") == "SCHEDULED"


def test_workitems_of_another_kind_are_left_alone_though_the_server_lists_them(
    make_settings: MakeSettings, worklist: UpsServer
):
    # More than a page of what is not ours comes first.
    for number in range(30):
        worklist.schedule(f"1.8.{number}", SERIES)
    worklist.schedule("1.9.1", SERIES)
    worklist.workitems["1.9.1"]["00741202"] = {"vr": "LO", "Value": ["AI"]}
    with worker(make_settings(only='worklist_label = "AI"')):
        until(lambda: is_ended(worklist, "1.9.1"), "the end")
    assert {worklist.state(f"1.8.{number}") for number in range(30)} == {"SCHEDULED"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "worklist: Field required"),
        ('[worklist]\nurl = "ftp://x"\n[service]\ndicomweb_server = "pacs"', "worklist.url"),
        ('[worklist]\nurl = "http://x"\n[service]\ncolour = 1', "service.dicomweb_server"),
    ],
)
def test_settings_that_mean_nothing_are_refused_in_one_line(tmp_path: Path, text: str, words: str):
    file = tmp_path / "ups.toml"
    file.write_text(text)
    with pytest.raises(SettingsFileError, match=words):
        WorkerSettings.read(file)


def test_the_command_works_until_it_is_told_to_stop_and_says_in_one_line_what_is_wrong(
    make_settings: MakeSettings, worklist: UpsServer, tmp_path: Path
):
    make_settings()
    worklist.schedule("1.9.1", SERIES)
    with running("ups-worker", str(tmp_path / "ups.toml")) as process:
        until(lambda: is_ended(worklist, "1.9.1"), "the end")
    assert (process.returncode, worklist.state("1.9.1")) == (0, "COMPLETED")
    with (tmp_path / "log").open("w") as log, running("ups-worker", "none.toml", log=log) as process:
        process.wait(PATIENCE_S)
    assert process.returncode == 2 and (tmp_path / "log").read_text().startswith("atypia: none.toml: ")
