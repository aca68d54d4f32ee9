"""Clients in a process of their own, so that the service's process is not the one that waits for it."""

import multiprocessing
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection

_WAIT = {"Prefer": "wait=120"}
BOUNDARY = "a-boundary-that-no-picture-holds"


@dataclass(frozen=True)
class Answers:
    """Seconds from the first request to the last answer, and for each request from POST to result."""

    wall_s: float
    each_s: tuple[float, ...]
    last: bytes  # the body of the last answer


def send(address: str, bodies: Sequence[bytes], *, clients: int, path: str = "/score?scope=warn") -> Answers:
    """POST each body, so many at once, and wait for the results.

    Raises:
        RuntimeError: One was not answered by its result.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_send, (address, list(bodies), clients, path))


def as_form(content: bytes) -> bytes:
    """A picture as a multipart form's only file, in the field `images`."""
    head = 'Content-Disposition: form-data; name="images"; filename="x.png"\r\nContent-Type: image/png'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def _send(address: str, bodies: list[bytes], clients: int, path: str) -> Answers:
    kept = threading.local()  # a connection for each client, kept open

    def one(body: bytes) -> tuple[float, bytes]:
        start = time.perf_counter()
        if not hasattr(kept, "connection"):
            kept.connection = HTTPConnection(address.removeprefix("http://"), timeout=300)
        is_form = body.startswith(f"--{BOUNDARY}".encode())
        form = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if is_form else {}
        kept.connection.request("POST", path, body, {**_WAIT, **form})
        answer = kept.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:200]!r}")
        return time.perf_counter() - start, content

    with ThreadPoolExecutor(clients) as threads:
        start = time.perf_counter()
        answers = list(threads.map(one, bodies))
        wall_s = time.perf_counter() - start
        return Answers(wall_s, tuple(each for each, _content in answers), answers[-1][1])
