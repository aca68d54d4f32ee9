"""Redis behind TLS and a password: the machine's own, for the wheel's Valkey is built without TLS."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from service.redis_url import complete_url
from tests.service.valkey_servers import free_port, until
from tests.system_packages import lacking

_KIND = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_NAMES = "DNS:localhost"
# What a URL must not hold as it is.
_PASSWORD = "p@ss/word: 50%"


@dataclass(frozen=True)
class TlsServer:
    """A server, and what its clients need to know."""

    port: int
    password_file: Path
    authority_file: Path

    @property
    def url(self) -> str:
        return self.complete(f"rediss://localhost:{self.port}")

    def complete(self, url: str) -> str:
        return complete_url(url, password_file=self.password_file, ca_file=self.authority_file)

    def ask(self, *command: str | int) -> object:
        with Redis.from_url(self.url, decode_responses=True) as redis:
            return redis.execute_command(*command)


@contextmanager
def running_tls_server(folder: Path, *options: str, names: str = _NAMES) -> Iterator[TlsServer]:
    """One on 127.0.0.1 with a certificate for `names`; `options` come first, as of a Sentinel they must."""
    for program in ("redis-server", "openssl"):
        if shutil.which(program) is None:
            lacking(program)
    folder.mkdir(exist_ok=True)
    make_authority(folder, names)
    (folder / "password").write_text(f"{_PASSWORD}\n")
    server = TlsServer(free_port(), folder / "password", folder / "authority.pem")
    command = ["redis-server", *options, *_options(folder, server.port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: server.ask("PING"))
            yield server
        finally:
            process.kill()


def make_authority(folder: Path, names: str = _NAMES) -> None:
    """`authority.pem`, and a `server.pem` and `.key` that it stands for."""
    made = ("-keyout", "authority.key", "-out", "authority.pem")
    _openssl(folder, "req", "-x509", *_KIND, "-subj", "/CN=tests", *made)
    _openssl(folder, "req", *_KIND, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "request.pem")
    (folder / "names").write_text(f"subjectAltName={names}")
    signed_by = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-in", "request.pem", *signed_by, "-out", "server.pem")


def _options(folder: Path, port: int) -> list[str]:
    options = {
        "--port": "0",
        "--tls-port": str(port),
        "--bind": "127.0.0.1",
        "--dir": str(folder),
        "--tls-cert-file": str(folder / "server.pem"),
        "--tls-key-file": str(folder / "server.key"),
        "--tls-ca-cert-file": str(folder / "authority.pem"),
        "--tls-auth-clients": "no",
        "--requirepass": _PASSWORD,
    }
    return [part for option in options.items() for part in option]


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)
