"""Clients in a process of their own, so that the service's process is not the one that waits for it."""

import multiprocessing
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection

_WAIT = {"Prefer": "wait=120"}


@dataclass(frozen=True)
class Answers:
    """Seconds from the first request to the last answer, and for each request from POST to result."""

    wall_s: float
    each_s: tuple[float, ...]


def send(address: str, bodies: Sequence[bytes], *, clients: int) -> Answers:
    """POST each body to /score?scope=warn, so many at once, and wait for the results.

    Raises:
        RuntimeError: One was not answered by its result.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_send, (address, list(bodies), clients))


def _send(address: str, bodies: list[bytes], clients: int) -> Answers:
    kept = threading.local()  # a connection for each client, kept open

    def one(body: bytes) -> float:
        start = time.perf_counter()
        if not hasattr(kept, "connection"):
            kept.connection = HTTPConnection(address.removeprefix("http://"), timeout=300)
        kept.connection.request("POST", "/score?scope=warn", body, _WAIT)
        answer = kept.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:200]!r}")
        return time.perf_counter() - start

    with ThreadPoolExecutor(clients) as threads:
        start = time.perf_counter()
        each = tuple(threads.map(one, bodies))
        return Answers(time.perf_counter() - start, each)
