"""`atypia serve`: the queue's server, workers and API of one machine, started and stopped together."""

import logging
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from redis.exceptions import RedisError

from service.access.api_keys import ApiKeys
from service.access.gate import Gate
from service.api.app import create_app
from service.api.bounded_heads import BoundedHeads
from service.connection import connect
from service.embedded import embedded_server
from service.keys import Keys
from service.redis_url import complete_url
from service.settings import Settings

logger = logging.getLogger(__name__)

_GRACE_S = 5
_CHECK_S = 0.5
_LONGEST_PAUSE_S = 30.0
_READY_TIMEOUT_S = 300.0


@contextmanager
def queue_server(settings: Settings) -> Iterator[str]:
    """The URL of the Redis that the settings name, or of the embedded server."""
    if settings.redis_url is not None:
        files = {"password_file": settings.redis_password_file, "ca_file": settings.redis_ca_file}
        yield complete_url(settings.redis_url, **files)
        return
    with embedded_server(settings.data_dir) as url:
        yield url


async def check_listening(settings: Settings, redis_url: str) -> None:
    """Refuse to be open to strangers by mistake; a queue that is away leaves the gate shut.

    Raises:
        OpenToAllError: See `Gate.check_listening`.
    """
    redis = connect(redis_url)
    try:
        await Gate(settings, ApiKeys(redis, Keys(settings.key_prefix))).check_listening()
    except RedisError as error:
        logger.warning("the API keys cannot be read yet: %s", type(error).__name__)
    finally:
        await redis.aclose()


def run_api(settings: Settings, redis_url: str, *, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` gets the address as soon as images can be scored."""
    config = uvicorn.Config(
        create_app(settings, redis_url),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        http=BoundedHeads,
        timeout_graceful_shutdown=_GRACE_S,
    )
    listener = config.bind_socket()
    address = f"http://{settings.host}:{listener.getsockname()[1]}"
    logger.info(
        "listening at %s; %s/readyz says what is missing until images can be scored", address, address
    )
    threading.Thread(target=_tell_when_ready, args=(address, on_ready), daemon=True).start()
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Leave the block, cleaning up, at SIGTERM as at Ctrl-C."""

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    yield


@contextmanager
def worker_processes(settings: Settings, count: int) -> Iterator[None]:
    """Keep so many workers running: one that dies is started again."""
    stopping = threading.Event()
    keepers = [threading.Thread(target=_keep, args=(settings, count, stopping)) for _ in range(count)]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        stopping.set()
        for keeper in keepers:
            keeper.join()


def _keep(settings: Settings, count: int, stopping: threading.Event) -> None:
    pause_s = 1.0
    while not stopping.is_set():
        started = time.monotonic()
        process = _start_worker(count)
        while process.poll() is None and not stopping.wait(_CHECK_S):
            pass
        if stopping.is_set():
            _stop_worker(process, settings.drain_s + _GRACE_S)
            return
        logger.error("worker %d ended with code %s; starting another", process.pid, process.returncode)
        pause_s = 1.0 if time.monotonic() - started > _LONGEST_PAUSE_S else min(2 * pause_s, _LONGEST_PAUSE_S)
        stopping.wait(pause_s)


def _start_worker(count: int) -> "subprocess.Popen[bytes]":
    # It reads the same environment. A session of its own: Ctrl-C is ours to pass on, after the API's end.
    command = [sys.executable, "-m", "service.cli", "worker", "--follow", "--beside", str(count - 1)]
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603  # our own command


def _stop_worker(process: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tell_when_ready(address: str, on_ready: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310  # our own address
                on_ready(address)
                return
        except OSError:
            time.sleep(_CHECK_S)
    logger.warning("not ready after %.0f s; %s/readyz says why", _READY_TIMEOUT_S, address)
