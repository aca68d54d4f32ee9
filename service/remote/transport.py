"""Carrying out flows over HTTP, blocking or in an event loop."""

import asyncio
import time
from contextlib import closing
from typing import Any, TypeVar

import httpx

from service.remote.exchange import PAUSED, Answer, Exchange, Flow, Pause, Step

T = TypeVar("T")


class Transport:
    """Blocks."""

    def __init__(self, address: str, key: str | None, *, timeout_s: float) -> None:
        self._http = httpx.Client(**_options(address, key, timeout_s))
        self.close = self._http.close

    def run(self, flow: Flow[T]) -> T:
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    try:
                        answer = self._take(step)
                    except httpx.RequestError as error:
                        step = flow.throw(error)
                    else:
                        step = flow.send(answer)
            except StopIteration as end:
                found: T = end.value
                return found

    def _take(self, step: Step) -> Answer:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return PAUSED
        content = iter(step.body) if step.body else None
        with self._http.stream(
            step.method, step.path, content=content, **_details(step, self._http)
        ) as response:
            if step.sink is None or response.status_code != httpx.codes.OK:
                return Answer(response.status_code, response.headers, response.read())
            step.sink.begin()
            for piece in response.iter_bytes():
                if not step.sink.take(piece):
                    break
            return Answer(response.status_code, response.headers, b"")


class AsyncTransport:
    """The same in an event loop."""

    def __init__(self, address: str, key: str | None, *, timeout_s: float) -> None:
        self._http = httpx.AsyncClient(**_options(address, key, timeout_s))
        self.close = self._http.aclose

    async def run(self, flow: Flow[T]) -> T:
        with closing(flow):
            try:
                step = next(flow)
                while True:
                    try:
                        answer = await self._take(step)
                    except httpx.RequestError as error:
                        step = flow.throw(error)
                    else:
                        step = flow.send(answer)
            except StopIteration as end:
                found: T = end.value
                return found

    async def _take(self, step: Step) -> Answer:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return PAUSED
        content = step.body.read() if step.body else None
        details = _details(step, self._http)
        async with self._http.stream(step.method, step.path, content=content, **details) as response:
            if step.sink is None or response.status_code != httpx.codes.OK:
                return Answer(response.status_code, response.headers, await response.aread())
            step.sink.begin()
            async for piece in response.aiter_bytes():
                if not step.sink.take(piece):
                    break
            return Answer(response.status_code, response.headers, b"")


def _options(address: str, key: str | None, timeout_s: float) -> dict[str, Any]:
    try:
        is_address = httpx.URL(address).scheme in ("http", "https") and bool(httpx.URL(address).host)
    except httpx.InvalidURL:
        is_address = False
    if not is_address:
        raise ValueError(f"{address!r} is no address of a service; give one such as http://127.0.0.1:8000")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return {"base_url": address, "headers": headers, "timeout": timeout_s}


def _details(step: Exchange, http: httpx.Client | httpx.AsyncClient) -> dict[str, Any]:
    timeout = httpx.Timeout(http.timeout)
    if step.read_timeout_s is not None:
        timeout.read = step.read_timeout_s
    headers = {**step.headers, **(step.body.headers if step.body else {})}
    return {"params": step.params, "headers": headers, "timeout": timeout}
