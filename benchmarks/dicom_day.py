"""A day of mixed studies through a DICOM node that is killed at random: does each series get its job once?

X-rays, CT series and, where no rule is for them, MR series and reports; four senders with three studies each
at a time, their instances interleaved. One instance in fifty ends its association, SIGKILL falls on the node
every ten seconds or so. Senders repeat what got no success, as scanners do.

    python -m benchmarks.dicom_day --studies 200

prints what became of them. Exit code 1: a series has no job, two, or one of another number of slices.
"""

import io
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import typer
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import BasicTextSRStorage, generate_uid
from pynetdicom import AE

SENDERS = 4
STUDIES_AT_ONCE = 3
ABORTED_SHARE = 0.02
DIES_EVERY_S = 10.0
QUIET_S = 10
PATIENCE_S = 900.0
PORT = 11117
MODEL = "chest-xray-atlas"
XRAY = Path(__file__).parents[1] / "docs/images/sample-chest-xray.dcm"
SETTINGS = """
[listen]
port = {port}
calling_ae_titles = ["SENDER"]
max_associations = 20
[spool]
folder = "spool"
quiet_s = {quiet_s}
[service]
address = "{address}"
[[rule]]
modality = "CT"
model = "{model}"
scope = "warn"
[[rule]]
modality = "DX"
model = "{model}"
scope = "warn"
"""


@dataclass
class Day:
    """What was sent; `slices` has the size of each series that a rule is for."""

    slices: list[int] = field(default_factory=list)
    instances: int = 0
    aborts: int = 0
    repeats: int = 0
    kills: int = 0


class Node:
    """The node's process; whoever kills it starts it again."""

    def __init__(self, folder: Path, address: str) -> None:
        self._file, self._log = folder / "node.toml", folder / "node.log"
        self._file.write_text(SETTINGS.format(port=PORT, quiet_s=QUIET_S, address=address, model=MODEL))
        self._process = self._started()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process = self._started()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def errors(self) -> int:
        return self._log.read_text().count("Traceback")

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "service.cli", "dicom-node", str(self._file)]
        with self._log.open("a") as log:
            return subprocess.Popen(command, stderr=log)  # noqa: S603  # our own command


def main(studies: Annotated[int, typer.Option(min=1, max=400)] = 200, seed: int = 0) -> None:
    """Send a day, wait for its end, and hold the jobs against what was sent."""
    day = Day()
    with TemporaryDirectory() as name, _service(Path(name)) as address:
        node = Node(Path(name), address)
        try:
            begun = time.monotonic()
            _send_all(node, day, studies=studies, rng=random.Random(seed))  # noqa: S311  # chance, not secrecy
            sent_s = time.monotonic() - begun
            jobs = _ended_jobs(address, len(day.slices))
        finally:
            node.stop()
        slices = [len(_result(address, job)["slices"]) for job in jobs if job["state"] == "done"]
        lost, extra = Counter(day.slices) - Counter(slices), Counter(slices) - Counter(day.slices)
        lines = {
            "studies, series with a rule, instances": f"{studies}, {len(day.slices)}, {day.instances}",
            "associations aborted, kills of the node": f"{day.aborts}, {day.kills}",
            "instances that got no success and were sent again": day.repeats,
            "seconds of sending, until all had ended": f"{sent_s:.0f}, {time.monotonic() - begun:.0f}",
            "series without a job of all their slices": lost.total(),
            "jobs of other sizes, jobs without a result": f"{extra.total()}, {len(jobs) - len(slices)}",
            "unexpected errors in the node's log": node.errors(),
        }
    typer.echo("\n".join(f"| {what} | {count} |" for what, count in lines.items()))
    raise typer.Exit(1 if lost or extra or len(jobs) != len(slices) else 0)


@contextmanager
def _service(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0"]
    environment = {**os.environ, "ATYPIA_DATA_DIR": str(folder / "data"), "ATYPIA_LOG_LEVEL": "error"}
    with (folder / "service.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603  # our own command
    try:
        found = next(
            match for line in process.stdout or () if (match := re.search(r"ready at (http://\S+)", line))
        )
        yield found.group(1)
    finally:
        process.terminate()
        process.wait()


def _send_all(node: Node, day: Day, *, studies: int, rng: random.Random) -> None:
    is_over = threading.Event()

    def kill_now_and_then() -> None:
        while not is_over.wait(rng.uniform(0.5, 1.5) * DIES_EVERY_S):
            node.kill()
            day.kills += 1

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    groups = [min(STUDIES_AT_ONCE, studies - start) for start in range(0, studies, STUDIES_AT_ONCE)]
    try:
        with ThreadPoolExecutor(SENDERS) as pool:
            futures = [pool.submit(_send_group, day, count, random.Random(rng.random())) for count in groups]  # noqa: S311  # as above
            for future in futures:
                future.result()
    finally:
        is_over.set()
        killer.join()


def _send_group(day: Day, count: int, rng: random.Random) -> None:
    left = [instance for _ in range(count) for instance in _study(day, rng)]
    rng.shuffle(left)
    day.instances += len(left)
    entity = AE("SENDER")
    for instance in left:
        entity.add_requested_context(instance.SOPClassUID, instance.file_meta.TransferSyntaxUID)
    while left:
        association = entity.associate("127.0.0.1", PORT, ae_title="ATYPIA")
        while association.is_established and left:
            if rng.random() < ABORTED_SHARE:
                association.abort()
                day.aborts += 1
                break
            if not _is_taken(association.send_c_store(left[-1])):
                day.repeats += 1
                break
            left.pop()
        if association.is_established:
            association.release()
        elif left:
            time.sleep(0.2)


def _is_taken(status: Dataset) -> bool:
    return bool(status.get("Status") == 0x0000)


def _study(day: Day, rng: random.Random) -> list[FileDataset]:
    """A CT series and an X-ray, with an MR series and a report that no rule is for."""
    study, count = generate_uid(), rng.randint(2, 20)
    day.slices += [count, 1]
    ct_file, mr_file = (str(get_testdata_file(name)) for name in ("CT_small.dcm", "MR_small.dcm"))
    report = _copy(ct_file, study, generate_uid(), SOPClassUID=BasicTextSRStorage, Modality="SR")
    for keyword in ("PixelData", "Rows"):
        del report[keyword]
    ct_series, mr_series = generate_uid(), generate_uid()
    return [
        *(_copy(ct_file, study, ct_series, ImagePositionPatient=[0, 0, 5 * z]) for z in range(count)),
        *(_copy(mr_file, study, mr_series, ImagePositionPatient=[0, 0, 5 * z]) for z in range(3)),
        _copy(str(XRAY), study, generate_uid(), Modality="DX"),
        report,
    ]


def _copy(file: str, study: str, series: str, **elements: object) -> FileDataset:
    dataset = dcmread(file)
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": generate_uid()}
    for keyword, value in (uids | elements).items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return dcmread(io.BytesIO(out.getvalue()))


def _ended_jobs(address: str, expected: int) -> list[dict[str, str]]:
    """All jobs when so many have ended and nothing has come for a while."""
    deadline = time.monotonic() + PATIENCE_S
    seen, since = (-1, -1), time.monotonic()
    while time.monotonic() < deadline:
        jobs: list[dict[str, str]] = httpx.get(f"{address}/jobs", params={"count": 1000}).json()
        ended = sum(bool(job["finished_at"]) for job in jobs)
        if (len(jobs), ended) != seen:
            seen, since = (len(jobs), ended), time.monotonic()
        if ended == len(jobs) and time.monotonic() - since > (2 * QUIET_S if ended >= expected else 60):
            break
        time.sleep(0.5)
    return jobs


def _result(address: str, job: dict[str, str]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = httpx.get(f"{address}/jobs/{job['job_id']}/result.json").json()
    return found


if __name__ == "__main__":
    typer.run(main)
