"""The store in a local folder, which every process of the service sees.

Through obstore, which writes every object under another name first and then renames it. Decoders map the
objects' own files.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from obstore.store import LocalStore

from service.store import Intake, PartWriter, Store


class FolderStore(Store):
    """The objects below one folder, made with access for its owner alone."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root.resolve()
        self._folder = LocalStore(self.root)
        # A file that is done is renamed into its place, so both are on one disk.
        super().__init__(self._folder, self.root / "scratch")

    def open_writer(self, key: str) -> PartWriter:
        return PartWriter(self._folder, key)

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[Intake]:
        """The store itself: every file is received where it is to be."""
        yield self

    async def keep(self, intake: Intake, keys: Iterable[str]) -> None:
        """Nothing: it is in its place already."""

    @asynccontextmanager
    async def at_hand(self, keys: Mapping[str, Sequence[str]]) -> AsyncIterator[Path]:  # noqa: ARG002  # all of them are
        """The store's own folder."""
        yield self.root

    async def put_file(self, key: str, path: Path) -> None:
        target = self.root / key
        try:
            path.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)

    async def delete(self, prefix: str) -> None:
        # obstore would leave the folders, and what a killed process was about to rename.
        await asyncio.to_thread(shutil.rmtree, self.root / prefix, ignore_errors=True)

    async def older_than(self, prefix: str, moment: datetime) -> list[str]:
        return await asyncio.to_thread(self._older_than, prefix, moment.timestamp())

    def _older_than(self, prefix: str, moment: float) -> list[str]:
        # Unlike a path's glob, this one bears folders that others remove meanwhile.
        found = os.walk(self.root / prefix)
        files = (Path(folder, name) for folder, _folders, names in found for name in names)
        return [str(path.relative_to(self.root)) for path in files if _written(path) < moment]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # removed while we looked
        return float("inf")
