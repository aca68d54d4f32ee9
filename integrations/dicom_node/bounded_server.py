"""pynetdicom's server, held to a length of a PDU: it would otherwise receive four gigabytes of one in memory.

Source: PS3.8 9.3.1: each PDU begins with its type, a reserved byte and the length of the rest, big endian.
"""

import socket
import struct
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

_HEAD_BYTES = 6


class BoundedSocket(socket.socket):
    """A connection that breaks where a PDU says that it is longer than it may be."""

    max_bytes: int

    @classmethod
    def taking_over(cls, connection: socket.socket, *, max_bytes: int) -> "BoundedSocket":
        timeout = connection.gettimeout()
        bounded = cls(connection.family, connection.type, connection.proto, connection.detach())
        bounded.settimeout(timeout)
        bounded.max_bytes = max_bytes
        bounded._head = b""
        bounded._body_left = 0
        return bounded

    _head: bytes
    _body_left: int

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """The same as a socket's.

        Raises:
            ConnectionAbortedError: A PDU is too long.
        """
        wanted = bufsize if self._body_left else min(bufsize, _HEAD_BYTES - len(self._head))
        received = super().recv(wanted if not self._body_left else min(wanted, self._body_left), flags)
        if self._body_left:
            self._body_left -= len(received)
            return received
        self._head += received
        if len(self._head) == _HEAD_BYTES:
            self._body_left = struct.unpack(">2xI", self._head)[0]
            self._head = b""
            if self._body_left > self.max_bytes:
                raise ConnectionAbortedError("a PDU is longer than it may be")
        return received


class BoundedServer(ThreadedAssociationServer):
    """Its connections are bounded."""

    daemon_threads = True

    def __init__(self, *arguments: Any, max_pdu_bytes: int, **keywords: Any) -> None:
        self._max_pdu_bytes = max_pdu_bytes
        super().__init__(*arguments, **keywords)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        return BoundedSocket.taking_over(connection, max_bytes=self._max_pdu_bytes), address
