"""The command as a user starts it, in processes of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


def start(
    *arguments: str, log: int | IO[str] = subprocess.DEVNULL, code: str | None = None, **settings: str | Path
) -> "subprocess.Popen[str]":
    """`atypia ARGUMENTS` with `ATYPIA_…` settings; all its processes log to `log`.

    Args:
        code: What Python runs instead of the command.
    """
    variables = {f"ATYPIA_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, *(("-m", "service.cli") if code is None else ("-c", code)), *arguments],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=ROOT,
        env={**os.environ, "ATYPIA_PROVIDERS": "CPUExecutionProvider", "ATYPIA_THREADS": "1", **variables},
    )


@contextmanager
def running(
    *arguments: str, log: int | IO[str] = subprocess.DEVNULL, **settings: str | Path
) -> Iterator["subprocess.Popen[str]"]:
    """The same, stopped by SIGTERM in the end."""
    process = start(*arguments, log=log, **settings)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def address_of(process: "subprocess.Popen[str]") -> str:
    """What it prints once images can be scored."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"ready at (http://\S+)", line):
            return found.group(1)
    raise AssertionError(f"the command ended with code {process.wait()}")


def wait_for_state(client: httpx.Client, path: str, *states: str) -> dict[str, object]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        job: dict[str, object] = client.get(path).json()
        if job["state"] in states:
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job is {job}")


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, client.get("/readyz").text
        time.sleep(0.1)
