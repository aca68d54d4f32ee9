import asyncio
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from imaging.errors import ImageTooLargeError, UnreadableImageError
from service.errors import SandboxCrashedError, SandboxTimeoutError
from service.sandbox import Sandbox

pytestmark = pytest.mark.asyncio

MIB = 2**20


@pytest.fixture
def sandbox():
    sandbox = Sandbox(timeout_s=3.0, memory_bytes=256 * MIB)
    yield sandbox
    sandbox.close()


def refuse() -> None:
    raise UnreadableImageError("it is damaged")


def fail() -> None:
    raise LookupError("SECRET^PATIENT")


async def test_it_runs_in_another_process_that_stays_up(sandbox: Sandbox):
    first = await sandbox.call(os.getpid)
    assert first != os.getpid() and await sandbox.call(os.getpid) == first


async def test_what_a_reader_raises_comes_back(sandbox: Sandbox):
    with pytest.raises(UnreadableImageError, match="it is damaged"):
        await sandbox.call(refuse)


async def test_what_nobody_expected_comes_back_without_its_words(sandbox: Sandbox):
    with pytest.raises(SandboxCrashedError, match="crashes its decoder"):
        await sandbox.call(fail)


async def test_a_call_that_takes_too_long_is_ended_and_the_next_one_works(sandbox: Sandbox):
    await sandbox.call(os.getpid)
    with pytest.raises(SandboxTimeoutError, match="not read after 3 s"):
        await sandbox.call(time.sleep, 60)
    assert await sandbox.call(abs, -3) == 3


async def test_a_crash_is_an_error_and_the_next_call_works(sandbox: Sandbox):
    with pytest.raises(SandboxCrashedError):
        await sandbox.call(os._exit, 1)
    assert await sandbox.call(abs, -3) == 3


async def test_more_memory_than_allowed_is_refused(sandbox: Sandbox):
    assert len(await sandbox.call(bytes, 10 * MIB)) == 10 * MIB
    with pytest.raises(ImageTooLargeError):
        await sandbox.call(bytes, 512 * MIB)


def write_both(first: BinaryIO, second: BinaryIO) -> None:
    first.write(b"1")
    second.write(b"2")


def errno_of(function: Callable[..., object], *arguments: object) -> int | None:
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return None


def write_a_file(folder: str) -> None:
    (Path(folder) / "file").write_bytes(b"written")


def append_to(path: str) -> None:
    with Path(path).open("ab") as file:
        file.write(b"more")


def run_a_program() -> int:
    return subprocess.run(["true"], check=False).returncode


def count_open_files(count: int, path: str) -> int:
    return len([os.open(path, os.O_RDONLY) for _ in range(count)])


class Trap:
    """What a decoder that a file has taken over might answer with."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (self._path,)


async def test_what_it_answers_with_is_never_run(sandbox: Sandbox, tmp_path: Path):
    with pytest.raises(SandboxCrashedError):
        await sandbox.call(Trap, str(tmp_path / "sprung"))
    assert list(tmp_path.iterdir()) == []
    assert await sandbox.call(abs, -3) == 3


async def test_it_writes_into_the_files_that_it_is_handed(sandbox: Sandbox, tmp_path: Path):
    await sandbox.call(write_both, into=[tmp_path / "one", tmp_path / "two"])
    assert [(tmp_path / name).read_bytes() for name in ("one", "two")] == [b"1", b"2"]


def write_size(content: bytes, file: BinaryIO) -> None:
    file.write(str(len(content)).encode())


async def test_files_go_along_with_a_message_that_fills_the_pipe(sandbox: Sandbox, tmp_path: Path):
    for size in range(100_000, 500_000, 20_000):
        await sandbox.call(write_size, bytes(size), into=[tmp_path / "size"])
        assert (tmp_path / "size").read_text() == str(size)


async def test_large_arrays_come_back_whole(sandbox: Sandbox):
    found = await sandbox.call(np.arange, 3_000_000)
    assert found[-1] == 2_999_999 and found.flags.writeable


async def test_one_that_died_between_two_calls_is_started_again(sandbox: Sandbox):
    os.kill(await sandbox.call(os.getpid), signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert await sandbox.call(abs, -3) == 3


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such walls")


@ON_LINUX
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (write_a_file, ["{folder}"]),
        (append_to, ["{folder}/there"]),
        (os.unlink, ["{folder}/there"]),
        (os.rename, ["{folder}/there", "{folder}/moved"]),
        (os.mkdir, ["{folder}/new"]),
        (run_a_program, []),
        (socket.create_connection, [("127.0.0.1", 9)]),
        (socket.socket, [socket.AF_UNIX]),
        (socket.socket, [socket.AF_INET, socket.SOCK_DGRAM]),
    ],
    ids=["write", "append", "remove", "rename", "folder", "program", "TCP", "unix socket", "UDP"],
)
async def test_it_can_neither_write_nor_run_programs_nor_connect(
    sandbox: Sandbox, tmp_path: Path, function: Callable[..., object], arguments: list[object]
):
    (tmp_path / "there").write_bytes(b"as it was")
    told = [word.format(folder=tmp_path) if isinstance(word, str) else word for word in arguments]
    assert await sandbox.call(errno_of, function, *told) in (errno.EPERM, errno.EACCES)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"as it was"]


async def test_it_can_read_and_hold_more_files_than_a_large_series_has(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / "there").write_bytes(b"as it was")
    assert await sandbox.call(count_open_files, 6000, str(tmp_path / "there")) == 6000


@ON_LINUX
async def test_it_ends_by_itself_when_its_parent_does_not_end_it():
    sandbox = Sandbox(timeout_s=600, memory_bytes=256 * MIB)
    limits = await sandbox.call(resource.getrlimit, resource.RLIMIT_CPU)
    sandbox.close()
    assert 600 <= limits[0] <= 620


async def test_a_cancelled_call_ends_its_process(sandbox: Sandbox):
    first = await sandbox.call(os.getpid)
    calling = asyncio.create_task(sandbox.call(time.sleep, 60))
    await asyncio.sleep(0.1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert await sandbox.call(os.getpid) != first
