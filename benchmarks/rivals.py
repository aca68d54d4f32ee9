"""The same model behind this service, LitServe and BentoML: requests a second, and how late the latest are.

All get the same multipart forms from the same clients on the same cores, each alone and in turns, batch up to
16 pictures, and answer with the same result. Only this service queues durably, decodes in processes of few
rights, and stores the map. The others are no dependency of the project: install them where this is run.

    pip install litserve bentoml
    python -m benchmarks.rivals
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from benchmarks.serving.bundle import train_bundle
from benchmarks.serving.load import as_form, send
from benchmarks.serving.process import running_service
from benchmarks.serving.uploads import pictures

Starter = Callable[[Path, Path], AbstractContextManager[str]]
WARMING = 40
_START_S = 120
_GRACE_S = 30


@contextmanager
def _atypia(folder: Path, bundles: Path) -> Iterator[str]:
    with running_service(folder, bundles) as service:
        yield service.address


def _litserve(workers: int) -> Starter:
    def start(folder: Path, bundles: Path) -> AbstractContextManager[str]:
        port = _free_port()
        command = ["-m", "benchmarks.serving.litserve_server", str(bundles), str(port), str(workers)]
        return _running(command, f"http://127.0.0.1:{port}", "/health", folder, {})

    return start


def _bentoml(workers: int) -> Starter:
    def start(folder: Path, bundles: Path) -> AbstractContextManager[str]:
        port = _free_port()
        command = ["-m", "bentoml", "serve", "benchmarks.serving.bentoml_server:Scoring"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        variables = {
            "ATYPIA_BENCHMARK": f"{bundles}:{workers}",
            "BENTOML_HOME": str(folder),
            "BENTOML_DO_NOT_TRACK": "true",
        }
        return _running(command, f"http://127.0.0.1:{port}", "/readyz", folder, variables)

    return start


SERVERS: dict[str, Starter] = {
    "Atypia, 1 worker": _atypia,
    "LitServe, 1 worker": _litserve(1),
    "LitServe, 2 workers": _litserve(2),
    "BentoML, 1 worker": _bentoml(1),
    "BentoML, 2 workers": _bentoml(2),
}


def run(
    method: Annotated[str, typer.Option(help="The method whose network is served.")] = "dae",
    side: Annotated[int, typer.Option(min=32, help="Rows and columns of the network's input.")] = 64,
    picture: Annotated[
        int, typer.Option(min=32, help="Rows and columns of the pictures that are sent.")
    ] = 64,
    count: Annotated[int, typer.Option(min=1, help="Pictures in a turn.")] = 200,
    clients: Annotated[int, typer.Option(min=1, help="Requests at once.")] = 8,
    rounds: Annotated[
        int, typer.Option(min=1, help="Turns of each; the median and the extremes are told.")
    ] = 3,
) -> None:
    """Print the table; stop if the servers' scores of one picture differ."""
    rates: dict[str, list[float]] = {name: [] for name in SERVERS}
    late_ms: dict[str, list[float]] = {name: [] for name in SERVERS}
    with TemporaryDirectory() as scratch:
        bundles = train_bundle(Path(scratch, "bundle"), method=method, side=side)
        for number in range(rounds):
            forms = [as_form(one) for one in pictures(count, side=picture, seed=number)]
            scores = []
            for name, start in SERVERS.items():
                with start(Path(scratch, f"{number}-{name}"), bundles) as address:
                    path = "/score?scope=warn" if name.startswith("Atypia") else "/score"
                    warming = [as_form(one) for one in pictures(WARMING, side=picture, seed=1000 + number)]
                    send(address, warming, clients=clients, path=path)
                    answers = send(address, forms, clients=clients, path=path)
                scores.append(_score_of(answers.last))
                rates[name].append(count / answers.wall_s)
                late_ms[name].append(1000 * float(np.percentile(answers.each_s, 99)))
            if not np.allclose(scores, scores[0], rtol=1e-4):
                raise RuntimeError(f"the servers do not agree on one picture's score: {scores}")
    _print(rates, late_ms)


def _print(rates: dict[str, list[float]], late_ms: dict[str, list[float]]) -> None:
    ours = next(iter(SERVERS))
    typer.echo("| server | requests/s | Atypia's rate over it | p99, ms | Atypia's p99 over it |")
    typer.echo("|---|---|---|---|---|")
    for name in SERVERS:
        cells = [
            rates[name],
            np.divide(rates[ours], rates[name]),
            late_ms[name],
            np.divide(late_ms[ours], late_ms[name]),
        ]
        texts = (f"{np.median(cell):.3g} ({np.min(cell):.3g} to {np.max(cell):.3g})" for cell in cells)
        typer.echo(f"| {name} | {' | '.join(texts)} |")


def _score_of(answer: bytes) -> float:
    found = json.loads(answer)
    return float((found[0] if isinstance(found, list) else found)["score"])


@contextmanager
def _running(
    command: list[str], address: str, health: str, folder: Path, variables: dict[str, str]
) -> Iterator[str]:
    """A server in a session of its own, which is told to end before all of it is made to."""
    folder.mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, *command],
            stdout=log,
            stderr=log,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        try:
            _wait(process, f"{address}{health}", folder / "log")
            yield address
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
            # LitServe's workers outlive it, and would slow down whoever is measured next.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own address
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server does not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


if __name__ == "__main__":
    typer.run(run)
