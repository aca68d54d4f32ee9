"""Where bytes live: uploads and results, under keys of our own making; what every kind of store promises.

A key holds all of its bytes or does not exist, whoever is killed when. Decoders need files: a store hands
them out below a local folder, and uploads are received in one.
"""

import asyncio
import logging
import mmap
import secrets
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from imaging.kinds import Buffer
from service.disk import fullness_named
from service.errors import StoreUnreachableError

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20

_NOTHING = "nothing"


class PartWriter:
    """One object that is being written, piece by piece; it exists only once it is closed."""

    def __init__(self, objects: LocalStore, key: str) -> None:
        self._file = obstore.open_writer_async(objects, key, buffer_size=CHUNK_BYTES)

    async def write(self, piece: bytes) -> None:
        with fullness_named():
            await self._file.write(piece)

    async def close(self) -> None:
        with fullness_named():
            await self._file.close()


class Intake(Protocol):
    """Where an upload is received: its files lie below `root` under their keys."""

    @property
    def root(self) -> Path: ...

    def open_writer(self, key: str) -> PartWriter: ...

    async def delete(self, prefix: str) -> None: ...


class Store(ABC):
    """The objects of one service; any of its methods may raise a StoreUnreachableError."""

    def __init__(self, objects: LocalStore | S3Store, scratch_folder: Path) -> None:
        self._objects = objects
        self._scratch_folder = scratch_folder
        scratch_folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def disk_folder(self) -> Path:
        """A folder on the disk that uploads fill."""
        return self._scratch_folder

    @abstractmethod
    def receiving(self) -> AbstractAsyncContextManager[Intake]:
        """A place for an upload that is coming in; what `keep` did not take from there is kept nowhere."""

    @abstractmethod
    async def keep(self, intake: Intake, keys: Iterable[str]) -> None:
        """Take objects over from where they were received."""

    @abstractmethod
    def at_hand(self, keys: Mapping[str, Sequence[str]]) -> AbstractAsyncContextManager[Path]:
        """A folder below which these objects, in groups of any name, lie as files under their keys.

        An object that does not exist has no file there either.
        """

    @abstractmethod
    async def put_file(self, key: str, path: Path) -> None:
        """Take a file of `scratch` into the store."""

    @abstractmethod
    async def delete(self, prefix: str) -> None:
        """Remove every object below `prefix`."""

    @abstractmethod
    async def older_than(self, prefix: str, moment: datetime) -> list[str]:
        """Keys below `prefix` last written before `moment`."""

    async def put(self, key: str, content: bytes) -> None:
        with writing():
            await obstore.put_async(self._objects, key, content)

    async def get(self, key: str) -> bytes:
        """Read a whole object.

        Raises:
            FileNotFoundError: There is none.
        """
        with reading():
            found = await obstore.get_async(self._objects, key)
            return (await found.bytes_async()).to_bytes()

    async def stream(self, key: str) -> tuple[int, AsyncIterator[bytes]]:
        """The size of an object, and its bytes in pieces.

        Raises:
            FileNotFoundError: There is none.
        """
        with reading():
            found = await obstore.get_async(self._objects, key)
        return found.meta["size"], _pieces(found.stream(min_chunk_size=CHUNK_BYTES))

    async def exists(self, key: str) -> bool:
        try:
            with reading():
                await obstore.head_async(self._objects, key)
        except FileNotFoundError:
            return False
        return True

    async def check(self) -> None:
        """Ask whether the store is there.

        Raises:
            StoreUnreachableError: It is not.
        """
        # Only a list tells a bucket that does not exist from an object that does not.
        with reading():
            async for _batch in obstore.list(self._objects, _NOTHING):
                return

    async def now(self) -> datetime:
        """The time by the clock that dates the objects, which need not be this machine's."""
        key = f"scratch/{secrets.token_hex(16)}"
        await self.put(key, b"")
        with reading():
            found = await obstore.head_async(self._objects, key)
            await obstore.delete_async(self._objects, key)
        return found["last_modified"]

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A name for a local file that is being made; what still has it at the end is removed."""
        path = self._scratch_folder / secrets.token_hex(16)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def sweep_scratch(self, age: timedelta) -> None:
        """Remove what processes that were killed so long ago left on this machine, by its own clock."""
        await asyncio.to_thread(_sweep, self._scratch_folder, time.time() - age.total_seconds())


def mapped(root: Path, keys: Sequence[str]) -> list[Buffer]:
    """Objects as memory maps, so that a large upload is not held in memory.

    Raises:
        FileNotFoundError: One of them does not exist.
    """
    return [_map(root / key) for key in keys]


@contextmanager
def reading() -> Iterator[None]:
    """Raise a StoreUnreachableError for what the object store raises, but for an object that is missing."""
    try:
        yield
    except BaseError as error:
        # Its first line says what was asked for and what came back, and holds no credentials.
        logger.error("the store does not answer: %s", str(error).split("\n", 1)[0])
        raise StoreUnreachableError("the store does not answer; try again in a moment") from error


@contextmanager
def writing() -> Iterator[None]:
    """The same; nothing can be missing but the store."""
    with reading(), fullness_named():
        try:
            yield
        except FileNotFoundError as error:
            logger.error("the store is missing: %s", str(error).split("\n", 1)[0])
            raise StoreUnreachableError("the store does not answer; try again in a moment") from error


def _map(path: Path) -> Buffer:
    with path.open("rb") as file:
        # An empty file cannot be mapped.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


async def _pieces(stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield bytes(piece)


def _sweep(folder: Path, moment: float) -> None:
    for path in folder.iterdir():
        if path.stat().st_mtime >= moment:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
