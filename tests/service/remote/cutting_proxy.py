"""A proxy between client and service that cuts connections in mid-answer, and remembers what was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class CuttingProxy:
    """The n-th connection ends after `cuts[n]` bytes of answers; those beyond the list are left alone."""

    target_port: int
    cuts: list[int]
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    answers: bytes = b""
    _connections: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def drop(self) -> None:
        """End all connections that are open now."""
        for connection in self._connections:
            connection.cancel()

    def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._pass_answers(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def end(self) -> None:
        self.drop()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self.cuts.pop(0) if self.cuts else 2**40
        from_service, to_service = await asyncio.open_connection("127.0.0.1", self.target_port)
        upwards = asyncio.create_task(self._pass_requests(reader, to_service))
        try:
            while left > 0 and (piece := await from_service.read(2**16)):
                writer.write(piece[:left])
                await writer.drain()
                left -= len(piece)
                self.answers += piece
        except ConnectionError:
            pass  # the client has gone
        finally:
            upwards.cancel()
            to_service.close()
            writer.close()

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(2**16):
                self.requests.append(piece)
                writer.write(piece)
                await writer.drain()


@asynccontextmanager
async def cutting_proxy(target_port: int, *cuts: int) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(target_port, list(cuts))
    listening = await asyncio.start_server(proxy.connect, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield proxy
        await proxy.end()
