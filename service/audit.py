"""Who did what, and when: JSON lines, each with the hash of the line before, so that none can be taken out.

Apart from the logs, one file a month, one chain over all months. It holds key ids, routes and job ids, and
never a patient's data, a file's name or a key. Several processes of one host write to the same chain.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = "0" * 64
_BLOCK_BYTES = 4096


class AuditLog:
    """The chain in one folder, made for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, event: str, **fields: Any) -> None:
        """Add a line; on disk when this returns."""
        self.write_all([{"event": event, **fields}])

    def write_all(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Add lines, each with its `event`; on disk when this returns."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One lock for all months, so that two processes do not both follow the same line.
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            now = datetime.now(UTC)
            last, is_torn = self._last_line()
            # A line that a power cut tore stays as it is, and takes no other with it.
            content = "\n" * is_torn
            for fields in lines:
                line = {"at": now.isoformat(), **fields, "before": _hash(last) if last else START}
                last = json.dumps(line, sort_keys=True)
                content += last + "\n"
            path = self._folder / f"{now:%Y-%m}.jsonl"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

    def verify(self) -> tuple[int, str | None]:
        """How many lines are whole, and where the first broken one is, as `FILE:LINE`; None if none is."""
        before, count = START, 0
        for path, number, line in self._lines():
            try:
                is_whole = json.loads(line)["before"] == before
            except (ValueError, KeyError, TypeError):
                is_whole = False
            if not is_whole:
                return count, f"{path.name}:{number}"
            before, count = _hash(line), count + 1
        return count, None

    def _lines(self) -> Iterator[tuple[Path, int, str]]:
        for path in self._files():
            with path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    yield path, number, line.rstrip("\n")

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))

    def _last_line(self) -> tuple[str, bool]:
        """The newest line, "" if there is none, and whether its end is missing."""
        for path in reversed(self._files()):
            if end := _end_of(path):
                return end.splitlines()[-1], not end.endswith("\n")
        return "", False


def _end_of(path: Path) -> str:
    """The last line of a file with its line break, of any length; "" of an empty file."""
    with path.open("rb") as file:
        position, end = path.stat().st_size, b""
        while position and b"\n" not in end[:-1]:
            step = min(_BLOCK_BYTES, position)
            position -= step
            file.seek(position)
            end = file.read(step) + end
    return end.decode()


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
