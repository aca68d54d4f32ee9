"""The audit record repository, and how messages get there.

Source: PS3.15 A.6: RFC 5425 (over TLS), RFC 5426 (in datagrams).
"""

import select
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_PORTS = {"tls": 6514, "udp": 514}
_TIMEOUT_S = 10.0
_WORD_S = 2.0


@dataclass(frozen=True)
class Repository:
    """`url` as `check_url` has it; the files are PEM, without `ca_file` the system's authorities count."""

    url: str
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def send(self, messages: Sequence[str]) -> None:
        """Send syslog messages, and return when the repository has read them; over UDP nobody knows.

        Raises:
            OSError: It is away, or not who it should be; some of the messages may be there all the same.
        """
        scheme, host, port = _parts_of(self.url)
        contents = [message.encode() for message in messages]
        if scheme == "udp":
            _send_datagrams((host, port), contents)
        else:
            self._send_stream((host, port), contents)

    def _send_stream(self, address: tuple[str, int], contents: Sequence[bytes]) -> None:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        with (
            socket.create_connection(address, _TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as connection,
        ):
            _await_word(connection)
            # RFC 5425 4.3: the length in front.
            connection.sendall(b"".join(b"%d %s" % (len(content), content) for content in contents))
            _close(connection)


def check_url(url: str) -> str:
    """The URL, if it is one of a repository.

    Raises:
        ValueError: It is none.
    """
    scheme, host, _port = _parts_of(url)
    if scheme not in _PORTS or not host:
        raise ValueError("a repository is tls://HOST:PORT or udp://HOST:PORT")
    host.encode("idna")  # what a socket would fail at later
    return url


def _parts_of(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _await_word(connection: ssl.SSLSocket) -> None:
    """Wait until the repository has let us in, or refused us, which it says by an alert that is raised here.

    In TLS 1.3 it judges our certificate when our handshake is over already (RFC 8446 4.4.2.4), and OpenSSL
    takes an alert that comes while the stream is being closed for its end. Who lets us in sends a session
    ticket; one that sends none is waited for a while.
    """
    if connection.version() != "TLSv1.3":
        return
    connection.setblocking(False)
    try:
        is_told, _, _ = select.select([connection], [], [], _WORD_S)
        if is_told and not connection.recv(1):
            raise ConnectionResetError("the repository closed the connection")
    except ssl.SSLWantReadError:
        pass  # a ticket holds nothing for us
    finally:
        connection.settimeout(_TIMEOUT_S)


def _close(connection: ssl.SSLSocket) -> None:
    """End the stream and wait for the other end of it: syslog has no other answer.

    RFC 5425 4.4 has the receiver reply. One that just closes has read everything, or TCP would reset.
    """
    try:
        connection.unwrap()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return


def _send_datagrams(address: tuple[str, int], contents: Sequence[bytes]) -> None:
    family, kind, protocol, _name, place = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as datagrams:
        # A connected socket is told where nobody listens.
        datagrams.connect(place)
        for content in contents:
            datagrams.send(content)
