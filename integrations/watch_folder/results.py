"""Where results are put: a folder for each image, which is there whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integrations.watch_folder.sources import Source

# Of what the results are; whoever reads a folder of results may also know by it that it is one.
RECORD = "source.json"
ERROR = "error.json"
_HIDDEN = ".unfinished"


class Results:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # By its time of change each record is read once: a watch looks every second.
        self._records: dict[Path, tuple[int, object]] = {}

    def has(self, source: Source) -> bool:
        """Whether there is an outcome of just these files, unchanged."""
        path = self._folder / source.name / RECORD
        try:
            changed_at = path.stat().st_mtime_ns
            if self._records.get(path, (0, None))[0] != changed_at:
                self._records[path] = (changed_at, json.loads(path.read_text())["files"])
        except (OSError, ValueError, LookupError, TypeError):
            return False
        return self._records[path][1] == [list(stamp) for stamp in source.stamps]

    @contextmanager
    def replaced(self, source: Source, told: Mapping[str, Any]) -> Iterator[Path]:
        """A folder to fill, which takes the place of what was there when the context ends well.

        After a kill within, there is what was there before, or nothing: the image is taken up again.
        """
        target, unfinished = self._folder / source.name, self._folder / _HIDDEN / source.key
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            yield unfinished
            record = {**told, "files": source.stamps}
            (unfinished / RECORD).write_text(json.dumps(record, indent=2) + "\n")
            _sync(*unfinished.iterdir(), unfinished)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(unfinished.with_suffix(".old"))
            unfinished.rename(target)
            _sync(target.parent)
        finally:
            for leftover in (unfinished, unfinished.with_suffix(".old")):
                shutil.rmtree(leftover, ignore_errors=True)

    def put_error(self, source: Source, problem: Mapping[str, Any]) -> None:
        """Say of an image why it has no score."""
        with self.replaced(source, {"state": "failed"}) as folder:
            (folder / ERROR).write_text(json.dumps(problem, indent=2) + "\n")

    def drop_unfinished(self) -> None:
        """Remove what a kill left."""
        shutil.rmtree(self._folder / _HIDDEN, ignore_errors=True)


def _sync(*paths: Path) -> None:
    """Have them on the disk, so that a power cut leaves no empty files behind the record."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
