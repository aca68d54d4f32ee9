"""The service as its users start it, in a folder of its own, with what its processes hold in memory."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_GRACE_S = 60


@dataclass(frozen=True)
class Service:
    address: str
    pid: int

    def memory(self) -> dict[str, int]:
        """Bytes that are nobody else's, by part: the API, the workers, all of their decoding processes."""
        found = {"api": _private(self.pid), "worker": 0, "decoding": 0}
        for child in _children(self.pid):
            command = _command(child)
            if "valkey" in command or "redis" in command:
                continue
            found["worker" if " worker" in command else "decoding"] += _private(child)
        return found


@contextmanager
def running_service(folder: Path, bundles: Path, *, workers: int = 1) -> Iterator[Service]:
    """`atypia serve` on a free port, with the embedded queue server."""
    settings = {"DATA_DIR": folder, "BUNDLES": bundles, "PROVIDERS": "CPUExecutionProvider"}
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(  # noqa: S603  # our own command
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "ATYPIA_LOG_LEVEL": "error",
            **{f"ATYPIA_{name}": str(value) for name, value in settings.items()},
        },
    )
    try:
        yield Service(_address(process), process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=_GRACE_S)


def _address(process: "subprocess.Popen[str]") -> str:
    for line in process.stdout or ():
        if found := re.search(r"ready at (http://\S+)", line):
            return found.group(1)
    raise RuntimeError(f"the service ended with code {process.wait()}")


def _children(pid: int) -> list[int]:
    """All processes below `pid`."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has just ended
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found: list[int] = []
    ring = {pid}
    while ring:
        ring = {child for child, parent in parents.items() if parent in ring}
        found.extend(ring)
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _private(pid: int) -> int:
    """Private pages, in bytes: mapped files of an upload are the page cache's and not counted."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    wanted = ("Private_Dirty:", "Anonymous:")
    return max(1024 * int(line.split()[1]) for line in lines if line.startswith(wanted))
