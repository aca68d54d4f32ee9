"""A watch as an operator starts it, and what it put down."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.processes import PATIENCE_S, running, start


@contextmanager
def watch(address: str, watched: Path, out: Path, *options: str) -> Iterator[Path]:
    """Its log, while it runs."""
    log = out.parent / "watch.log"
    command = _command(address, watched, out, *options)
    with log.open("w") as file, running(*command, log=file) as process:
        has_begun(log, times=1)
        yield log
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()


def watch_once(address: str, watched: Path, out: Path, *options: str) -> None:
    """A watch that ends by itself when all that lies there is done."""
    process = start(*_command(address, watched, out, *options, "--once"))
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


def _command(address: str, watched: Path, out: Path, *options: str) -> list[str]:
    pace = ("--quiet", "0.5", "--poll", "0.2")
    return ["watch", str(watched), str(out), "--address", address, *pace, *options]


def has_begun(log: Path, *, times: int) -> None:
    """Wait until it watches, and ends by itself when asked to."""
    deadline = time.monotonic() + PATIENCE_S
    while log.read_text().count("watching a folder") < times:
        assert time.monotonic() < deadline, "the watch did not begin"
        time.sleep(0.02)


def record(folder: Path) -> dict[str, Any]:
    """What it says of an image, as soon as it does."""
    deadline = time.monotonic() + PATIENCE_S
    while not (folder / "source.json").exists():
        assert time.monotonic() < deadline, f"nothing came to {folder.name}"
        time.sleep(0.05)
    found: dict[str, Any] = json.loads((folder / "source.json").read_text())
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
