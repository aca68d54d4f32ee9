"""What goes between a process and its sandbox, over a pipe that is full."""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from service.sandbox_messages import send_file_async

pytestmark = pytest.mark.asyncio


async def test_a_file_waits_for_the_message_that_fills_the_pipe_before_it(tmp_path: Path):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs, (tmp_path / "file").open("wb") as file:
        filled = 0
        with suppress(BlockingIOError):
            while True:
                filled += ours.send(b"x" * 4096)
        sending = asyncio.create_task(send_file_async(ours, file))
        await asyncio.sleep(0.05)
        assert not sending.done()
        while filled:
            filled -= len(theirs.recv(filled))
        await sending
        [descriptor] = socket.recv_fds(theirs, 1, 1)[1]
        assert os.path.samestat(os.fstat(descriptor), os.fstat(file.fileno()))
        os.close(descriptor)
