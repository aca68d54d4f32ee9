"""One POST to one address: no redirect is followed, no name is looked up twice, no answer's body is read.

An HTTP library would look the name up again after it was checked, and the second answer may be another.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress

from service.callbacks import AllowList, Endpoint
from service.errors import CallbackFailedError

TIMEOUT_S = 10.0
_MAX_LINE_BYTES = 4096


async def post(endpoint: Endpoint, body: bytes, headers: Mapping[str, str], allowed: AllowList) -> int:
    """Send the body and return the answer's status.

    Raises:
        CallbackFailedError: The host is not found, leads to where it must not, or does not answer.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            address = await _address_of(endpoint, allowed)
            return await _send(endpoint, address, _request_of(endpoint, body, headers))
    except (OSError, ValueError, EOFError) as error:  # TimeoutError and ssl.SSLError are OSErrors
        raise CallbackFailedError(f"the host does not answer ({type(error).__name__})") from error


async def _address_of(endpoint: Endpoint, allowed: AllowList) -> str:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    permitted = [address for address in addresses if allowed.permits(address)]
    if not permitted:
        raise CallbackFailedError("the host leads to an address that is not in ATYPIA_CALLBACK_HOSTS")
    return permitted[0]


async def _send(endpoint: Endpoint, address: str, request: bytes) -> int:
    context = ssl.create_default_context() if endpoint.is_tls else None
    name = endpoint.host if endpoint.is_tls else None
    reader, writer = await asyncio.open_connection(
        address, endpoint.port, ssl=context, server_hostname=name, limit=_MAX_LINE_BYTES
    )
    try:
        writer.write(request)
        await writer.drain()
        # RFC 9112 4: HTTP-version SP status-code SP [ reason-phrase ]
        version, status, *_reason = (await reader.readline()).split(maxsplit=2)
        if not version.startswith(b"HTTP/1.") or len(status) != 3:
            raise ValueError("no HTTP answer")
        return int(status)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _request_of(endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"POST {endpoint.target} HTTP/1.1",
        f"Host: {endpoint.authority}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
