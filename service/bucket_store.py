"""The store in an S3 bucket, for a service on several machines.

What a decoder needs is fetched into a local scratch folder and removed after. An upload is received and
looked at there; only one that becomes a job is put into the bucket. A put is atomic: an object is there
when all of its parts are.
"""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import obstore
from obstore.store import LocalStore, S3Store

from service.folder_store import FolderStore
from service.store import CHUNK_BYTES, Intake, Store, reading, writing

_AT_ONCE = 16  # objects of one upload that are on their way
_PARTS_AT_ONCE = 4  # of 5 MiB of each object, which are held in memory
_RETRIES_S = 60
_SILENCE_S = 30
# The whole of a large object may take long, as long as something comes.
_LONGEST_S = 3600


class BucketStore(Store):
    """The objects below `s3://bucket/prefix`; `AWS_…` variables tell obstore where that is and who we are."""

    def __init__(self, url: str, scratch_folder: Path, *, allow_http: bool) -> None:
        self._bucket = S3Store.from_url(
            url,
            client_options={
                "allow_http": allow_http,
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": timedelta(seconds=_SILENCE_S),
                "timeout": timedelta(seconds=_LONGEST_S),
            },
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=_RETRIES_S)},
        )
        super().__init__(self._bucket, scratch_folder.resolve())

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[Intake]:
        async with self._folder() as folder:
            yield FolderStore(folder)

    async def keep(self, intake: Intake, keys: Iterable[str]) -> None:
        await _for_all(keys, lambda key: self.put_file(key, intake.root / key))

    @asynccontextmanager
    async def at_hand(self, keys: Mapping[str, Sequence[str]]) -> AsyncIterator[Path]:
        async with self._folder() as folder:
            local = LocalStore(folder)
            await _for_all(chain.from_iterable(keys.values()), lambda key: self._fetch(key, local))
            yield folder

    async def put_file(self, key: str, path: Path) -> None:
        with writing():
            await obstore.put_async(self._bucket, key, path, max_concurrency=_PARTS_AT_ONCE)

    async def delete(self, prefix: str) -> None:
        with reading():
            async for batch in obstore.list(self._bucket, prefix):
                await obstore.delete_async(self._bucket, [found["path"] for found in batch])

    async def older_than(self, prefix: str, moment: datetime) -> list[str]:
        with reading():
            batches = obstore.list(self._bucket, prefix)
            return [
                found["path"] async for batch in batches for found in batch if found["last_modified"] < moment
            ]

    async def _fetch(self, key: str, local: LocalStore) -> None:
        with reading():
            try:
                found = await obstore.get_async(self._bucket, key)
            except FileNotFoundError:
                return
            pieces = found.stream(min_chunk_size=CHUNK_BYTES)
            await obstore.put_async(local, key, pieces, max_concurrency=_PARTS_AT_ONCE)

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        folder = self._scratch_folder / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _for_all(keys: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Some at once; the first that fails ends the others."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str) -> None:
        async with places:
            await work(key)

    try:
        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(one(key))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
