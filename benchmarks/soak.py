"""Mixed jobs while workers and the queue's server are killed at random: is every accepted job answered once?

X-rays, CT slices, volumes and damaged volumes, each another one; some are cancelled. SIGKILL falls on one of
three workers about every five seconds and on the queue's server about every fifteen; both are started again,
as their keepers would. Senders repeat what was not accepted, as the service's answers ask them to.

    python -m benchmarks.soak --jobs 2000

prints how the jobs ended. Exit code 1: a job has no end, an end without its result, or two ends.
"""

import gzip
import io
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import nibabel
import numpy as np
import pydicom
import typer
from PIL import Image
from pydicom.data import get_testdata_file
from redis import Redis

from benchmarks.serving.valkey import KillableServer
from service.keys import Keys

SENDERS = 8
WORKERS = 3
KINDS = ("png", "dicom", "nifti", "damaged")
CANCELLED_SHARE = 0.05
WORKER_DIES_EVERY_S, SERVER_DIES_EVERY_S = 5.0, 15.0
QUERY = "/score?scope=warn&model=chest-xray-atlas"
PATIENCE_S = 300.0
FINAL = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Sent:
    """`job_id` is "" where the image was refused for good."""

    job_id: str
    is_removed: bool


@dataclass
class Kills:
    workers: int = 0
    servers: int = 0


@dataclass
class Workers:
    """Worker processes; a dead one is started again by the next look."""

    environment: dict[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def keep(self) -> None:
        self.processes = [one for one in self.processes if one.poll() is None]
        while len(self.processes) < WORKERS:
            self.processes.append(_start(self.environment, "worker"))

    def stop(self) -> None:
        for one in self.processes:
            one.terminate()
        for one in self.processes:
            one.wait()


def run(
    jobs: Annotated[int, typer.Option(min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Of the images, and of who is killed when.")] = 0,
    longest_s: Annotated[float, typer.Option(help="Nobody is killed after so long.")] = 900.0,
) -> None:
    """Send, kill, wait, count."""
    with TemporaryDirectory() as scratch:
        server = KillableServer(Path(scratch, "queue"))
        settings = {"DATA_DIR": str(Path(scratch, "data")), "REDIS_URL": server.url, "LOG_LEVEL": "error"}
        settings |= {"PROVIDERS": "CPUExecutionProvider", "THREADS": "1", "PORT": "0"}
        environment = {**os.environ, **{f"ATYPIA_{name}": value for name, value in settings.items()}}
        workers = Workers(environment)
        workers.keep()
        api = _start(environment, "api", output=subprocess.PIPE)
        try:
            address = _address(api)
            start = time.monotonic()
            with _chaos(workers, server, seed, longest_s) as kills:
                with ThreadPoolExecutor(SENDERS) as senders:
                    found = list(senders.map(lambda number: _send(address, seed, number), range(jobs)))
                sent_s = time.monotonic() - start
            removed = {one.job_id for one in found if one.is_removed}
            accepted = {one.job_id for one in found if one.job_id}
            states = _ends(address, workers, sorted(accepted - removed))
            took_s = time.monotonic() - start
            wrong = _wrong(address, states, server.url, removed=len(removed))
        finally:
            api.terminate()
            api.wait()
            workers.stop()
            server.stop()
    numbers = {"sent": jobs, "refused at once": jobs - len(accepted), "accepted": len(accepted)}
    numbers |= {f"ended as {state}": list(states.values()).count(state) for state in FINAL}
    numbers["ended, and then removed by their sender"] = len(removed)
    numbers |= {"workers killed": kills.workers, "queue servers killed": kills.servers}
    numbers |= {"seconds until all were accepted": round(sent_s), "until all had ended": round(took_s)}
    _tell({**numbers, "lost, doubled or unexplained": len(wrong)}, wrong)
    raise typer.Exit(1 if wrong else 0)


def _send(address: str, seed: int, number: int) -> Sent:
    """Send one image until it is accepted or refused for good."""
    rng = random.Random(f"{seed} {number}")  # noqa: S311  # chance, not secrecy
    body = _body(KINDS[number % len(KINDS)], seed, number)
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=address, timeout=30) as client:
        while time.monotonic() < deadline:
            try:
                answer = client.post(QUERY, content=body)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 202:
                job_id = str(answer.json()["job_id"])
                return Sent(job_id, rng.random() < CANCELLED_SHARE and _cancel(client, job_id))
            if answer.status_code not in (429, 503):
                return Sent("", is_removed=False)
            time.sleep(0.2)
    raise RuntimeError(f"image {number} was never answered for good")


def _cancel(client: httpx.Client, job_id: str) -> bool:
    """Cancel a job; whether it had ended before, and is removed now."""
    while True:
        with suppress(httpx.TransportError):
            status = client.delete(f"/jobs/{job_id}").status_code
            if status in (200, 204, 404):
                return status != 200
        time.sleep(0.2)


def _body(kind: str, seed: int, number: int) -> bytes:
    rng = np.random.default_rng([seed, number])
    out = io.BytesIO()
    if kind in ("nifti", "damaged"):
        volume = rng.integers(0, 255, (32, 32, 6), np.uint8)
        content: bytes = nibabel.Nifti1Image(volume, np.eye(4)).to_bytes()
        # A header that can be read, so that it is accepted, and too few voxels behind it.
        return gzip.compress(content[: len(content) // 2]) if kind == "damaged" else content
    if kind == "dicom":
        dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
        dataset.PixelData = rng.integers(0, 1000, (128, 128), np.int16).tobytes()
        dataset.save_as(out)
        return out.getvalue()
    Image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)).save(out, "PNG")
    return out.getvalue()


@contextmanager
def _chaos(workers: Workers, server: KillableServer, seed: int, longest_s: float) -> Iterator[Kills]:
    """While the block runs, things die."""
    over, kills = threading.Event(), Kills()

    def rage() -> None:
        rng = random.Random(seed)  # noqa: S311  # chance, not secrecy
        end = time.monotonic() + longest_s
        while not over.wait(rng.expovariate(1 / WORKER_DIES_EVERY_S)) and time.monotonic() < end:
            rng.choice(workers.processes).kill()
            kills.workers += 1
            if rng.random() < WORKER_DIES_EVERY_S / SERVER_DIES_EVERY_S:
                server.kill()
                kills.servers += 1
            time.sleep(0.2)
            workers.keep()

    raging = threading.Thread(target=rage)
    raging.start()
    try:
        yield kills
    finally:
        over.set()
        raging.join()


def _ends(address: str, workers: Workers, job_ids: list[str]) -> dict[str, str]:
    """The state of each job, when all are final or patience is over."""
    states = dict.fromkeys(job_ids, "unknown")
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=address, timeout=30) as client:
        while time.monotonic() < deadline:
            workers.keep()
            for job_id in [name for name, state in states.items() if state not in FINAL]:
                answer = client.get(f"/jobs/{job_id}")
                states[job_id] = answer.json()["state"] if answer.status_code == 200 else "lost"
            if all(state in FINAL for state in states.values()):
                break
            time.sleep(0.5)
    return states


def _wrong(address: str, states: dict[str, str], redis_url: str, *, removed: int) -> list[str]:
    """What must not be."""
    wrong = [f"{job_id} is {state}" for job_id, state in states.items() if state not in FINAL]
    with httpx.Client(base_url=address, timeout=30) as client:
        for job_id, state in states.items():
            if state == "done" and client.get(f"/jobs/{job_id}/result.json").status_code != 200:
                wrong.append(f"{job_id} is done and has no result")
            if state == "failed" and not client.get(f"/jobs/{job_id}").json()["error"]["detail"]:
                wrong.append(f"{job_id} failed and does not say why")
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        counted = redis.hgetall(Keys("atypia").counters)
    # Every end is counted in the script that makes it.
    ends = sum(int(counted.get(f"jobs:{state}", 0)) for state in FINAL)
    if ends != len(states) + removed:
        wrong.append(f"{ends} ends of {len(states) + removed} jobs")
    return wrong


def _tell(numbers: dict[str, int], wrong: list[str]) -> None:
    typer.echo("| what | count |\n|---|---|")
    for name, value in numbers.items():
        typer.echo(f"| {name} | {value} |")
    for line in wrong[:20]:
        typer.echo(line, err=True)


def _start(
    environment: dict[str, str], command: str, *, output: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", "service.cli", command],
        env=environment,
        stdout=output,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _address(api: "subprocess.Popen[bytes]") -> str:
    for line in api.stdout or ():
        _before, found, after = line.decode().partition("ready at ")
        if found:
            return after.split()[0]
    raise RuntimeError(f"the API ended with code {api.wait()}")


if __name__ == "__main__":
    typer.run(run)
