"""The folder where what was received lies until its results are delivered."""

import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from integrations.dicom_node.errors import LowDiskError
from integrations.dicom_node.instances import InstanceFacts, digest_of
from integrations.dicom_node.ledger import Ledger
from integrations.dicom_node.series import Series

_OWNER_ALONE = 0o700


class Spool:
    """`incoming` holds what is being received, `series` what was, `results` what is on its way back."""

    def __init__(self, folder: Path, ledger: Ledger, *, min_free_bytes: int) -> None:
        self._ledger = ledger
        self._min_free_bytes = min_free_bytes
        # A series that is removed must not take along what arrives of it at that moment.
        self._lock = threading.Lock()
        self.incoming, self._series, self._results = (
            folder / name for name in ("incoming", "series", "results")
        )
        for path in (self.incoming, self._series, self._results):
            path.mkdir(parents=True, exist_ok=True, mode=_OWNER_ALONE)

    def check_room(self) -> None:
        """Refuse to take in more.

        Raises:
            LowDiskError: Less than `min_free_bytes` are left.
        """
        free = shutil.disk_usage(self.incoming).free
        if free < self._min_free_bytes:
            raise LowDiskError(
                f"the spool's disk has {free:,} bytes left, {self._min_free_bytes:,} are kept free"
            )

    @property
    def is_full(self) -> bool:
        """Whether what is being received now would take the room that was kept free."""
        return shutil.disk_usage(self.incoming).free < self._min_free_bytes / 2

    def keep(self, incoming: Path, facts: InstanceFacts) -> None:
        """Take over a received file; when this returns, no kill and no power cut loses it."""
        digest = digest_of(incoming)
        _sync(incoming)
        with self._lock:
            folder = self._series / facts.series_key
            if not folder.exists():
                folder.mkdir(mode=_OWNER_ALONE)
                _sync(self._series)
            incoming.replace(folder / facts.file_name)
            _sync(folder)
            self._ledger.add(facts, digest, now=time.time())

    def images_of(self, series: Series) -> list[Path]:
        return [self._series / series.key / name for name in self._ledger.scorable_files(series)]

    def has(self, sop_class_uid: str, sop_instance_uid: str) -> bool:
        """Whether an instance is here, on disk."""
        places = self._ledger.places_of(sop_class_uid, sop_instance_uid)
        return any((self._series / key / name).exists() for key, name in places)

    def empty_results_of(self, series: Series) -> Path:
        """Where its results go; those of an earlier revision are gone."""
        folder = self._results / series.key
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=_OWNER_ALONE)
        return folder

    def results_of(self, series: Series) -> list[Path]:
        return sorted((self._results / series.key).glob("*.dcm"))

    def forget(self, *, over_before: float, abandoned_before: float) -> int:
        """Remove series that were over by then, and what was received in part by the other time; how many."""
        keys = self._ledger.over_since(over_before)
        for key in keys:
            with self._lock:
                if key in self._ledger.over_since(over_before):
                    self._ledger.forget(key)
                    shutil.rmtree(self._series / key, ignore_errors=True)
                    shutil.rmtree(self._results / key, ignore_errors=True)
        for path in self.incoming.iterdir():
            with suppress(FileNotFoundError):  # it was just kept
                if path.stat().st_mtime < abandoned_before:
                    path.unlink()
        return len(keys)

    def drop_strays(self) -> None:
        """Remove what a kill left before it was in the ledger: its sender was not told that it is kept."""
        for folder in self._series.iterdir():
            if not self._ledger.knows(folder.name):
                shutil.rmtree(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
