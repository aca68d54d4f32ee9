"""A day of mixed studies through a DICOM node that is killed at random: does each series get its job once?

X-rays, CT series and, where no rule is for them, MR series and reports; or copies of what lies in a folder.
Four senders with three studies each at a time, their instances interleaved. One instance in fifty ends its
association, SIGKILL falls on the node every ten seconds or so. Senders repeat what got no success, as
scanners do.

    python -m benchmarks.dicom_day --studies 200
    python -m benchmarks.dicom_day --studies 200 --files ../shared/data/dicom

prints what became of them. Exit code 1: a series has no job, two, or one of another number of slices, or the
node is not done with it.
"""

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
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import typer
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context

from benchmarks.dicom_studies import DRAWN_MODALITIES, FAILS, NO_JOB, Mix, Series, drawn_study, mix_of
from integrations.dicom_node.ledger import Ledger
from integrations.dicom_node.series import FINAL_STATES
from service.client import Client

SENDERS = 4
STUDIES_AT_ONCE = 3
ABORTED_SHARE = 0.02
DIES_EVERY_S = 10.0
QUIET_S = 10
PATIENCE_S = 900.0
PORT = 11117
MODEL = "chest-xray-atlas"
SETTINGS = f"""
[listen]
port = {PORT}
calling_ae_titles = ["SENDER"]
max_associations = 20
[spool]
folder = "spool"
quiet_s = {QUIET_S}
[service]
address = "%s"
"""
RULE = f"""
[[rule]]
%s
model = "{MODEL}"
scope = "warn"
"""


@dataclass
class Day:
    """What was sent; `slices` has the size of each job that should be."""

    slices: list[int] = field(default_factory=list)
    series: int = 0
    instances: int = 0
    aborts: int = 0
    repeats: int = 0
    kills: int = 0

    def add(self, group: list[Series]) -> None:
        self.series += len(group)
        self.instances += sum(len(series.instances) for series in group)
        self.slices += [series.slices for series in group if series.slices is not NO_JOB]


class Node:
    """The node's process; whoever kills it starts it again."""

    def __init__(self, folder: Path, settings: str) -> None:
        self._file, self._log = folder / "node.toml", folder / "node.log"
        self._ledger = folder / "spool" / "ledger.sqlite"
        self._file.write_text(settings)
        self._process = self._started()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process = self._started()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def counts(self) -> dict[str, int]:
        """How many series its ledger has in each state."""
        with closing(Ledger(self._ledger)) as ledger:
            return ledger.counts()

    def errors(self) -> int:
        return self._log.read_text().count("Traceback")

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "service.cli", "dicom-node", str(self._file)]
        with self._log.open("a") as log:
            return subprocess.Popen(command, stderr=log)  # noqa: S603  # our own command


def main(
    studies: Annotated[int, typer.Option(min=1, max=400)] = 200,
    seed: int = 0,
    files: Annotated[Path | None, typer.Option(help="Folder whose DICOM files are copied.")] = None,
) -> None:
    """Send a day, wait for its end, and hold the jobs against what was sent."""
    day = Day()
    with TemporaryDirectory() as name, _service(Path(name)) as address, Client(address) as client:
        mix = mix_of(files, client, model=MODEL) if files else drawn_study
        rules = [RULE % ""] if files else [RULE % f'modality = "{one}"' for one in DRAWN_MODALITIES]
        rehearsals = {job["job_id"] for job in _jobs(address)}
        node = Node(Path(name), SETTINGS % address + "".join(rules))
        begun = time.monotonic()
        try:
            _send_all(node, day, mix, studies=studies, rng=random.Random(seed))  # noqa: S311  # chance, not secrecy
            sent_s = time.monotonic() - begun
            _wait_for_end(node, day)
            ended_s = time.monotonic() - begun
        finally:
            node.stop()
        slices = [
            len(client.result(job["job_id"])["slices"]) if job["state"] == "done" else FAILS
            for job in _jobs(address)
            if job["job_id"] not in rehearsals
        ]
        lines, is_right = _compared(day, node, slices)
    lines["seconds of sending, until all had ended"] = f"{sent_s:.0f}, {ended_s:.0f}"
    typer.echo("\n".join(f"| {what} | {count} |" for what, count in lines.items()))
    raise typer.Exit(0 if is_right else 1)


def _compared(day: Day, node: Node, slices: list[int]) -> tuple[dict[str, object], bool]:
    """What came beside what was sent, and whether it is the same.

    Args:
        slices: The size of each job; `FAILS` for one without a result.
    """
    states = node.counts()
    not_ended = day.series - sum(states.get(state, 0) for state in FINAL_STATES)
    lost, extra = Counter(day.slices) - Counter(slices), Counter(slices) - Counter(day.slices)
    failed = extra.pop(FAILS, 0)
    lines = {
        "series, those that should be jobs, instances": f"{day.series}, {len(day.slices)}, {day.instances}",
        "associations aborted, kills of the node": f"{day.aborts}, {day.kills}",
        "instances that got no success and were sent again": day.repeats,
        "series in the ledger": ", ".join(f"{count} {state}" for state, count in sorted(states.items())),
        "series lost or without an end": not_ended,
        "series without a job of all their slices": lost.total(),
        "jobs of other sizes, jobs without a result": f"{extra.total()}, {failed}",
        "unexpected errors in the node's log": node.errors(),
    }
    return lines, not (not_ended or lost or extra or failed)


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


def _send_all(node: Node, day: Day, mix: Mix, *, studies: int, rng: random.Random) -> None:
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
            futures = []
            for count in groups:
                group = [series for _ in range(count) for series in mix(rng)]
                day.add(group)
                futures.append(pool.submit(_send_group, day, group, rng.randrange(2**32)))
            for future in futures:
                future.result()
    finally:
        is_over.set()
        killer.join()


def _send_group(day: Day, group: list[Series], seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # as above
    left = [instance for series in group for instance in series.instances]
    rng.shuffle(left)
    kinds = {(instance.SOPClassUID, instance.file_meta.TransferSyntaxUID) for instance in left}
    # One syntax each: of several in one context the node would choose one.
    contexts = [build_context(*kind) for kind in sorted(kinds)]
    while left:
        association = AE("SENDER").associate("127.0.0.1", PORT, contexts=contexts, ae_title="ATYPIA")
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


def _wait_for_end(node: Node, day: Day) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        counts = node.counts()
        if sum(counts.get(state, 0) for state in FINAL_STATES) == day.series:
            return
        time.sleep(0.5)


def _jobs(address: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = httpx.get(f"{address}/jobs", params={"count": 1000}).json()
    return found


if __name__ == "__main__":
    typer.run(main)
