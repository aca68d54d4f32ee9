"""The service beside the bare graph: how much of the hardware's speed is left, and what a study costs.

Everything is measured in one run on the same cores, in turns, with the clients in a process of their own. The
networks are the methods' at their default size, trained for two steps: their speed is that of trained ones.

    python -m benchmarks.service throughput
    python -m benchmarks.service latency
    python -m benchmarks.service workers
    python -m benchmarks.service memory
"""

import os
import platform
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from benchmarks.serving.bundle import train_bundle
from benchmarks.serving.load import send
from benchmarks.serving.process import Service, running_service
from benchmarks.serving.raw import raw_rate
from benchmarks.serving.uploads import pictures, volumes, x_rays

app = typer.Typer(help=__doc__, no_args_is_help=True)

BATCH = 16
RoundsOption = Annotated[
    int, typer.Option(min=1, help="Turns of each; the median and the extremes are told.")
]
MethodOption = Annotated[str, typer.Option(help="The method whose network is served.")]


@app.command()
def throughput(method: MethodOption = "dae", rounds: RoundsOption = 3) -> None:
    """Slices a second: volumes of 128 x 128 slices, and single images of 64 x 64."""
    _say("what", "service, slices/s", "bare graph, slices/s", "ratio")
    for side, depth, count, clients in ((128, 64, 6, 4), (64, 1, 200, 8)):
        with TemporaryDirectory() as scratch:
            bundles = train_bundle(Path(scratch, "bundle"), method=method, side=side)
            served, bare = [], []
            with running_service(Path(scratch, "data"), bundles) as service:
                for number in range(rounds + 1):  # the first warms up
                    bare.append(raw_rate(bundles, batch=BATCH, for_s=5))
                    bodies = (
                        volumes(count, side=side, depth=depth, seed=number)
                        if depth > 1
                        else pictures(count, side=side, seed=number)
                    )
                    served.append(count * depth / send(service.address, bodies, clients=clients).wall_s)
        name = (
            f"{count} {f'volumes of {depth} slices' if depth > 1 else 'images'}, {side}², {clients} clients"
        )
        ratios = np.array(served[1:]) / np.array(bare[1:])
        _say(f"{method}: {name}", _spread(served[1:]), _spread(bare[1:]), _spread(ratios))


@app.command()
def latency(method: MethodOption = "dae", count: int = 50) -> None:
    """Milliseconds from POST to result for one X-ray of 1024 x 1024 on an idle service."""
    kinds = {"DICOM, uncompressed": x_rays, "PNG": pictures}
    with TemporaryDirectory() as scratch:
        bundles = train_bundle(Path(scratch, "bundle"), method=method, side=128)
        bare_ms = 1000 / raw_rate(bundles, batch=1, for_s=5)
        _say("what", "POST to result, ms: p50", "p99", "above the bare graph, ms: p50", "p99")
        for name, make in kinds.items():
            with running_service(Path(scratch, name), bundles) as service:
                send(service.address, make(10, side=1024, seed=1), clients=1)
                each = 1000 * np.array(send(service.address, make(count, side=1024), clients=1).each_s)
            found = [np.percentile(each, share) for share in (50, 99)]
            _say(name, *(f"{ms:.1f}" for ms in found), *(f"{ms - bare_ms:.1f}" for ms in found))
    _say("the bare graph", f"{bare_ms:.1f}", "", "", "")


@app.command()
def workers(method: MethodOption = "dae", rounds: RoundsOption = 3) -> None:
    """Images a second with 1, 2 and 4 workers."""
    _say("workers", "images/s")
    with TemporaryDirectory() as scratch:
        bundles = train_bundle(Path(scratch, "bundle"), method=method, side=64)
        for count in (1, 2, 4):
            with running_service(Path(scratch, f"data{count}"), bundles, workers=count) as service:
                rates = [
                    200 / send(service.address, pictures(200, side=64, seed=number), clients=8).wall_s
                    for number in range(rounds + 1)
                ]
            _say(count, _spread(rates[1:]))


@app.command()
def memory(method: MethodOption = "dae") -> None:
    """Peak memory of each part against the size of a study (int16 slices of 256 x 256)."""
    _say("study, MB", "api, MB", "worker, MB", "its decoding processes together, MB", "s")
    with TemporaryDirectory() as scratch:
        bundles = train_bundle(Path(scratch, "bundle"), method=method, side=64)
        for depth in (10, 100, 1000, 4000):
            body = volumes(1, side=256, depth=depth)
            with running_service(Path(scratch, f"data{depth}"), bundles) as service:
                start = time.perf_counter()
                peak = _peak(service, body)
                took = time.perf_counter() - start
            parts = (f"{peak[part] / 1e6:.0f}" for part in ("api", "worker", "decoding"))
            _say(f"{len(body[0]) / 1e6:.0f}", *parts, f"{took:.1f}")


def _peak(service: Service, bodies: Sequence[bytes]) -> dict[str, int]:
    """The most bytes that each part had while the bodies were scored."""
    peak, done = service.memory(), threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for part, value in service.memory().items():
                peak[part] = max(peak[part], value)

    watching = threading.Thread(target=watch)
    watching.start()
    send(service.address, bodies, clients=1)
    done.set()
    watching.join()
    return peak


def _spread(values: Sequence[float] | np.ndarray) -> str:
    return f"{np.median(values):.3g} ({np.min(values):.3g} to {np.max(values):.3g})"


_rows = 0


def _say(*cells: object) -> None:
    """One row of a Markdown table; the first is its head."""
    global _rows  # noqa: PLW0603
    typer.echo("| " + " | ".join(str(cell) for cell in cells) + " |")
    if _rows == 0:
        typer.echo("|---" * len(cells) + "|")
    _rows += 1


if __name__ == "__main__":
    typer.echo(f"{os.cpu_count()} cores of {platform.machine()}\n")
    app()
