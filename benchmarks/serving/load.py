"""Clients in a process of their own, so that the service's process is not the one that waits for it."""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

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
    with httpx.Client(timeout=300) as client, ThreadPoolExecutor(clients) as threads:

        def one(body: bytes) -> float:
            start = time.perf_counter()
            answer = client.post(f"{address}/score?scope=warn", content=body, headers=_WAIT)
            if answer.status_code != 200:
                raise RuntimeError(f"{answer.status_code}: {answer.text[:200]}")
            return time.perf_counter() - start

        start = time.perf_counter()
        each = tuple(threads.map(one, bodies))
        return Answers(time.perf_counter() - start, each)
