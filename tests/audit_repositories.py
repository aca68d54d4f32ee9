"""Audit record repositories that keep what they are sent: syslog over TLS and in datagrams."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.imaging.dicom_audit.checked import Told, checked

PATIENCE_S = 20.0


@dataclass
class AuditRepository:
    """`messages` are what came, each held against the standard; `peers` the common names of who sent them."""

    url: str
    ca_file: Path | None = None
    messages: list[str] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)

    @property
    def told(self) -> list[Told]:
        return [checked(message) for message in self.messages]

    def until(self, is_so: Callable[[list[Told]], object]) -> list[Told]:
        """What was told when it is so; a failed assertion after a while."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so(told := self.told):
            assert time.monotonic() < deadline, f"waited in vain; there is {told}"
            time.sleep(0.05)
        return told

    def until_what(self, what: tuple[str, str], count: int = 1) -> list[Told]:
        """The messages of an event and action, when there are so many."""
        return [
            one
            for one in self.until(lambda told: [one.what for one in told].count(what) >= count)
            if one.what == what
        ]


@contextmanager
def tls_repository(
    folder: Path, *, port: int = 0, wants_certificate: bool = False
) -> Iterator[AuditRepository]:
    """One with the certificate of `make_authority` in `folder`, at localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if wants_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "authority.pem")
    with socket.create_server(("127.0.0.1", port)) as listener:
        url = f"tls://localhost:{listener.getsockname()[1]}"
        repository = AuditRepository(url, folder / "authority.pem")

        def take(connection: socket.socket) -> None:
            # One who does not trust us goes away in mid-handshake.
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as stream:
                certificate = stream.getpeercert() or {}
                names = [value for part in certificate.get("subject", ()) for _name, value in part]
                repository.peers += names
                repository.messages += _framed(stream)
                stream.unwrap()

        with _serving(lambda: take(listener.accept()[0])):
            yield repository
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def udp_repository() -> Iterator[AuditRepository]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.1)
        repository = AuditRepository(f"udp://127.0.0.1:{listener.getsockname()[1]}")

        def take() -> None:
            with suppress(TimeoutError):
                repository.messages.append(listener.recv(2**16).decode())

        with _serving(take):
            yield repository


@contextmanager
def _serving(take: Callable[[], None]) -> Iterator[None]:
    stopped = threading.Event()

    def run() -> None:
        while not stopped.is_set():
            with suppress(OSError):
                take()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
    thread.join()


def _framed(stream: ssl.SSLSocket) -> list[str]:
    """RFC 5425 4.3: each message with its length in front, up to the end of the stream."""
    content = b"".join(iter(lambda: stream.recv(2**16), b""))
    messages = []
    while content:
        length, _, rest = content.partition(b" ")
        messages.append(rest[: int(length)].decode())
        assert len(rest) >= int(length)
        content = rest[int(length) :]
    return messages
