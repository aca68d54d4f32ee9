"""Where bytes live: uploads and results, under keys of our own making.

A local folder through obstore, which writes every object under another name first and then renames it: a key
holds all of its bytes or does not exist, whoever is killed when.
"""

import mmap
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

import obstore
from obstore.store import LocalStore

from imaging.kinds import Buffer
from service.disk import fullness_named

SCRATCH = "scratch"

_CHUNK_BYTES = 1 << 20


class PartWriter:
    """One object that is being written, piece by piece; it exists only once it is closed."""

    def __init__(self, store: LocalStore, key: str) -> None:
        self._file = obstore.open_writer_async(store, key, buffer_size=_CHUNK_BYTES)

    async def write(self, piece: bytes) -> None:
        with fullness_named():
            await self._file.write(piece)

    async def close(self) -> None:
        with fullness_named():
            await self._file.close()


class Store:
    """The objects below one folder, made with access for its owner alone."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root.resolve()
        self._objects = LocalStore(self.root)

    def open_writer(self, key: str) -> PartWriter:
        return PartWriter(self._objects, key)

    async def put(self, key: str, content: bytes) -> None:
        with fullness_named():
            await obstore.put_async(self._objects, key, content)

    async def get(self, key: str) -> bytes:
        """Read a whole object.

        Raises:
            FileNotFoundError: There is none.
        """
        found = await obstore.get_async(self._objects, key)
        return (await found.bytes_async()).to_bytes()

    async def stream(self, key: str) -> tuple[int, AsyncIterator[bytes]]:
        """The size of an object, and its bytes in pieces.

        Raises:
            FileNotFoundError: There is none.
        """
        found = await obstore.get_async(self._objects, key)
        return found.meta["size"], _pieces(found.stream(min_chunk_size=_CHUNK_BYTES))

    async def exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._objects, key)
        except FileNotFoundError:
            return False
        return True

    async def delete(self, prefix: str) -> None:
        """Remove every object below `prefix`."""
        async for batch in obstore.list(self._objects, prefix):
            await obstore.delete_async(self._objects, [found["path"] for found in batch])
        _remove_empty_folders(self.root / prefix)

    async def remove(self, key: str) -> None:
        """Remove one object."""
        await obstore.delete_async(self._objects, key)

    async def now(self) -> datetime:
        """The time by the clock that dates the objects, which need not be this machine's."""
        key = f"{SCRATCH}/{secrets.token_hex(16)}"
        await self.put(key, b"")
        found = await obstore.head_async(self._objects, key)
        await self.remove(key)
        return found["last_modified"]

    async def older_than(self, prefix: str, moment: datetime) -> list[str]:
        """Keys below `prefix` last written before `moment`."""
        batches = obstore.list(self._objects, prefix)
        return [
            found["path"] async for batch in batches for found in batch if found["last_modified"] < moment
        ]

    async def put_file(self, key: str, path: Path) -> None:
        """Move a file of `scratch` into the store."""
        target = self.root / key
        try:
            path.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A name for a file that is being made; what still has it at the end is removed."""
        folder = self.root / SCRATCH
        folder.mkdir(exist_ok=True)
        path = folder / secrets.token_hex(16)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @asynccontextmanager
    async def at_hand(self, keys: Mapping[str, Sequence[str]]) -> AsyncIterator[Path]:  # noqa: ARG002  # a local store has all
        """A folder below which these objects, in groups of any name, lie as files under their keys."""
        yield self.root


def mapped(root: Path, keys: Sequence[str]) -> list[Buffer]:
    """Objects as memory maps, so that a large upload is not held in memory.

    Raises:
        FileNotFoundError: One of them does not exist.
    """
    return [_map(root / key) for key in keys]


def _map(path: Path) -> Buffer:
    with path.open("rb") as file:
        # An empty file cannot be mapped.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


async def _pieces(stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield bytes(piece)


def _remove_empty_folders(folder: Path) -> None:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
