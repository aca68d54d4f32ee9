"""A receiver of callbacks: a real HTTP server that answers as it is told and remembers what came."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Received:
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class CallbackServer:
    """Answers with each status in turn, and with the last for ever."""

    statuses: Sequence[int]
    port: int = 0
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/atypia?study=1"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(headers["content-length"]))
        status = self.statuses[min(len(self.received), len(self.statuses) - 1)]
        self.received.append(Received(head[0].split()[1], headers, body))
        location = f"http://127.0.0.1:{self.port}/elsewhere"
        writer.write(f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def until(self, count: int) -> None:
        """Wait for so many requests."""
        for _ in range(1200):
            if len(self.received) >= count:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(self.received)} of {count} callbacks came")


@asynccontextmanager
async def callback_server(*statuses: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[CallbackServer]:
    server = CallbackServer(statuses or (200,))
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
