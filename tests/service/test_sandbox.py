import asyncio
import os
import time

import pytest

from imaging.errors import ImageTooLargeError, UnreadableImageError
from service.errors import SandboxCrashedError, SandboxTimeoutError
from service.sandbox import Sandbox

pytestmark = pytest.mark.asyncio

MIB = 2**20


@pytest.fixture
def sandbox():
    sandbox = Sandbox(timeout_s=1.0, memory_bytes=256 * MIB)
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
    with pytest.raises(SandboxTimeoutError, match="not read after 1 s"):
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


async def test_a_cancelled_call_ends_its_process(sandbox: Sandbox):
    first = await sandbox.call(os.getpid)
    calling = asyncio.create_task(sandbox.call(time.sleep, 60))
    await asyncio.sleep(0.1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert await sandbox.call(os.getpid) != first
