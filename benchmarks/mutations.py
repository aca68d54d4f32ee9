"""Damaged files by the thousand through a running service: no 500, no hang, no growth.

Real files (those that come with pydicom and nibabel), each cut, flipped, overwritten, or spliced with another
of its kind, with a seed each, so that a finding can be made again. Archives are damaged, or hold damaged
files. The service is `atypia serve`, in processes and with a store of its own; four senders post to it at
once and remove each job that was accepted.

    python -m benchmarks.mutations --count 10000

prints the answers by status, the slowest, and the memory of each process early, half-way and late. Exit
code 1: there was a 500, an answer that took over a minute, or the service is not ready in the end.
"""

import io
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import nibabel
import numpy as np
import pydicom.data
import typer

from benchmarks.process_memory import tree_memory

SENDERS = 4
LONGEST_S = 60.0
LARGEST_BYTES = 60_000
WARM_UP = 300  # files before memory is first measured
NIFTI = ("anatomical.nii", "example4d.nii.gz", "example_nifti2.nii.gz", "functional.nii", "standard.nii.gz")


@dataclass(frozen=True)
class Answer:
    kind: str
    seed: int
    status: int
    seconds: float


def real_files() -> dict[str, list[bytes]]:
    """By kind: the small ones among the libraries' own test files, and archives of them."""
    samples = Path(pydicom.data.__file__).parent / "test_files"
    dicom = [path.read_bytes() for path in sorted(samples.rglob("*.dcm"))]
    dicom = [content for content in dicom if len(content) <= LARGEST_BYTES]
    folder = Path(nibabel.__file__).parent / "tests" / "data"
    nifti = [(folder / name).read_bytes() for name in NIFTI if (folder / name).exists()]
    series = [path.read_bytes() for path in sorted(samples.glob("dicomdirtests/98892003/MR2/*"))]
    return {"DICOM": dicom, "NIfTI": nifti, "ZIP": [_zipped(series[:3]), *(_zipped([one]) for one in dicom)]}


def _zipped(members: list[bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for number, content in enumerate(members):
            archive.writestr(str(number), content)
    return out.getvalue()


def damaged_file(files: dict[str, list[bytes]], kind: str, rng: np.random.Generator) -> bytes:
    """A damaged file of a kind; half of the archives are whole, and hold a damaged file."""
    if kind == "ZIP" and rng.random() < 0.5:
        return _zipped([_damaged(files["DICOM"], rng)], zipfile.ZIP_DEFLATED)
    return _damaged(files[kind], rng)


def _damaged(originals: list[bytes], rng: np.random.Generator) -> bytes:
    """One of them, in one way or in two."""
    content = originals[rng.integers(len(originals))]
    for _ in range(rng.integers(1, 3)):
        change = _CHANGES[rng.integers(len(_CHANGES))]
        content = change(content, originals, rng) or b"\0"
    return content


def _cut(content: bytes, _originals: list[bytes], rng: np.random.Generator) -> bytes:
    return content[: rng.integers(len(content) + 1)]


def _flip_bits(content: bytes, _originals: list[bytes], rng: np.random.Generator) -> bytes:
    damaged = np.frombuffer(content, np.uint8).copy()
    # Half of the time in the header, where a bit weighs most.
    reach = len(damaged) if rng.random() < 0.5 else min(len(damaged), 1500)
    places = rng.integers(0, reach, rng.integers(1, 9))
    damaged[places] ^= np.left_shift(1, rng.integers(0, 8, len(places))).astype(np.uint8)
    return damaged.tobytes()


def _overwrite(content: bytes, _originals: list[bytes], rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(content)))
    length = int(rng.integers(1, 9))
    value = bytes([rng.choice([0x00, 0xFF, 0x7F, 0x80])])
    return content[:start] + value * length + content[start + length :]


def _splice(content: bytes, originals: list[bytes], rng: np.random.Generator) -> bytes:
    other = originals[rng.integers(len(originals))]
    return content[: rng.integers(len(content) + 1)] + other[rng.integers(len(other) + 1) :]


def _repeat(content: bytes, _originals: list[bytes], rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(0, len(content) + 1, 2))
    return content[:end] + content[start:end] + content[end:]


_CHANGES: tuple[Callable[[bytes, list[bytes], np.random.Generator], bytes], ...] = (
    _cut, _flip_bits, _flip_bits, _flip_bits, _overwrite, _overwrite, _splice, _repeat,
)  # fmt: skip


@contextmanager
def running_service(folder: Path) -> Iterator[tuple[int, str]]:
    """`atypia serve` with its store in `folder`: its process id, and its address once it is ready."""
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0"]
    log = (folder / "log").open("w")
    environment = {"ATYPIA_DATA_DIR": str(folder), "ATYPIA_KEEP_RESULTS_HOURS": "1"}
    process = subprocess.Popen(  # noqa: S603  # our own command
        ["/usr/bin/env", *(f"{name}={value}" for name, value in environment.items()), *command],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        lines = process.stdout or iter(())
        yield (
            process.pid,
            next(found[1] for line in lines if (found := re.search(r"ready at (http\S+)", line))),
        )
    finally:
        process.terminate()
        process.communicate()


def send(client: httpx.Client, query: str, kind: str, seed: int, content: bytes) -> Answer:
    start = time.monotonic()
    try:
        response = client.post(f"/score?{query}", content=content, headers={"Prefer": "wait=60"})
    except httpx.TimeoutException:
        return Answer(kind, seed, 0, time.monotonic() - start)
    seconds = time.monotonic() - start
    if (job_id := response.json().get("job_id")) is not None:
        client.delete(f"/jobs/{job_id}")
    return Answer(kind, seed, response.status_code, seconds)


def main(
    count: Annotated[int, typer.Option(help="how many files")] = 10_000,
    seed: Annotated[int, typer.Option(help="the first file's; each has the next")] = 0,
) -> None:
    originals = real_files()
    kinds = list(originals)

    def one(number: int) -> Answer:
        kind = kinds[number % len(kinds)]
        content = damaged_file(originals, kind, np.random.default_rng(seed + number))
        return send(client, query, kind, seed + number, content)

    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder)) as (process, address),
        httpx.Client(base_url=address, timeout=LONGEST_S + 10) as client,
        ThreadPoolExecutor(SENDERS) as senders,
    ):
        query = f"scope=warn&model={client.get('/models').json()[0]['model']}"
        answers: list[Answer] = []
        memory: list[tuple[int, dict[str, float]]] = []
        start = time.monotonic()
        for end in sorted({min(WARM_UP, count), count // 2, count}):
            answers += senders.map(one, range(len(answers), end))
            memory.append((end, tree_memory(process)))
        seconds = time.monotonic() - start
        is_ready = client.get("/readyz").status_code == 200
    typer.echo(f"{len(answers)} files in {seconds:.0f} s; ready in the end: {is_ready}")
    raise typer.Exit(0 if _report(answers, memory) and is_ready else 1)


def _report(answers: list[Answer], memory: list[tuple[int, dict[str, float]]]) -> bool:
    """Print what was seen; whether all of it was as it should be."""
    for kind in sorted({answer.kind for answer in answers}):
        statuses = Counter(answer.status for answer in answers if answer.kind == kind)
        typer.echo(f"  {kind}: {', '.join(f'{status} x {n}' for status, n in sorted(statuses.items()))}")
    slowest = max(answers, key=lambda answer: answer.seconds)
    typer.echo(f"  slowest: {slowest.seconds:.1f} s ({slowest.kind}, seed {slowest.seed})")
    for kind in memory[0][1]:
        sizes = ", ".join(f"{found.get(kind, 0):.0f} MiB after {files}" for files, found in memory)
        typer.echo(f"  memory of {kind}: {sizes}")
    bad = [answer for answer in answers if answer.status in (0, 202) or answer.status >= 500]
    for answer in bad[:20]:
        typer.echo(f"  BAD: {answer}")
    return not bad


if __name__ == "__main__":
    typer.run(main)
