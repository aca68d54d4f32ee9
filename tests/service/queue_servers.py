"""Queue servers that are there to be stopped and killed, and a network between that drops connections."""

import asyncio
import itertools
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from service.embedded import server_binary
from tests.system_packages import lacking

_PATIENCE_S = 20.0


class QueueServer:
    """Valkey or Redis on loopback, with an append-only file that is on disk before a write is answered."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        options = {
            "bind": "127.0.0.1",
            "port": self.port,
            "dir": self._folder,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen([self._binary, *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            assert time.monotonic() < deadline, "the queue server does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with Redis.from_url(self.url) as redis, suppress(RedisError):
            return bool(redis.ping())
        return False


def binary_of(name: str) -> str:
    """The program of Valkey, which is always there, or of Redis."""
    if name == "valkey":
        return str(server_binary())
    found = shutil.which("redis-server")
    if found is None:
        lacking("redis-server")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def dropping_replies(port: int, *, every: int) -> AsyncIterator[str]:
    """The URL of a proxy that passes all on to the server, but cuts the connection at every so many replies.

    The server has done by then what the client does not hear of.
    """
    count = itertools.count(1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, drops: bool) -> None:
            with suppress(OSError):
                while piece := await source.read(1 << 16):
                    if drops and next(count) % every == 0:
                        break
                    sink.write(piece)
                    await sink.drain()
            for end in (writer, server_writer):
                end.close()

        await asyncio.gather(
            pass_on(reader, server_writer, drops=False), pass_on(server_reader, writer, drops=True)
        )

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy:
        yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/0"
