"""What somebody without a key can make a real server keep."""

import asyncio
from contextlib import suppress

import pytest

from service.api.bounded_heads import MAX_HEAD_BYTES
from service.settings import Settings
from tests.service.served_app import served_app
from tests.service.uploads_builder import png_bytes

pytestmark = pytest.mark.asyncio

HEADS = {
    "a long address": (b"GET /", b"a" * 1000),
    "a long value": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ", b"a" * 1000),
    "many headers": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"X-Many: a\r\n" * 100),
    "trailers": (
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        b"X-Many: a\r\n" * 100,
    ),
}


@pytest.mark.parametrize("start, piece", HEADS.values(), ids=HEADS)
async def test_a_head_without_end_ends_its_connection(
    settings: Settings, redis_url: str, start: bytes, piece: bytes
):
    async with served_app(settings, redis_url) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(start)
        sent = 0
        with suppress(ConnectionError):
            while not reader.at_eof() and sent < 100 * MAX_HEAD_BYTES:
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
        assert sent < 100 * MAX_HEAD_BYTES
        assert (await client.get("/healthz")).status_code == 200


async def test_one_connection_may_send_many_heads_and_long_bodies(settings: Settings, redis_url: str):
    async with served_app(settings, redis_url) as client:
        for _ in range(3):
            headers = {"X-Long": "a" * (MAX_HEAD_BYTES // 2)}
            assert (await client.get("/healthz", headers=headers)).status_code == 200
        body = png_bytes() + bytes(4 * MAX_HEAD_BYTES)
        assert (await client.post("/score", content=body)).status_code == 202
