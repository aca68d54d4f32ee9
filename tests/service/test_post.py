"""POST over TLS, to a real server with a certificate of our own."""

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from service.callbacks import AllowList
from service.errors import CallbackFailedError
from service.post import post
from tests.service.callback_server import CallbackServer, callback_server
from tests.system_packages import lacking

pytestmark = pytest.mark.asyncio

ALLOWED = AllowList(("localhost", "127.0.0.1", "::1"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its certificate for localhost, in one file."""
    if shutil.which("openssl") is None:
        lacking("openssl")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    kind = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    command = ["openssl", *kind, *names, "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return path


@pytest_asyncio.fixture
async def server(certificate: Path) -> AsyncIterator[CallbackServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with callback_server(201, tls=context) as server:
        yield server


async def send(server: CallbackServer, host: str) -> int:
    endpoint = ALLOWED.endpoint_of(f"https://{host}:{server.port}/")
    return await post(endpoint, b"{}", {"X-Any": "header"}, ALLOWED)


async def test_a_trusted_host_gets_the_body(
    server: CallbackServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert await send(server, "localhost") == 201
    [received] = server.received
    assert (received.body, received.headers["x-any"]) == (b"{}", "header")
    assert received.headers["host"] == f"localhost:{server.port}"


async def test_a_host_without_a_trusted_certificate_gets_nothing(server: CallbackServer):
    with pytest.raises(CallbackFailedError, match="does not answer"):
        await send(server, "localhost")
    assert server.received == []


async def test_a_host_with_the_certificate_of_another_name_gets_nothing(
    server: CallbackServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(CallbackFailedError, match="does not answer"):
        await send(server, "127.0.0.1")
    assert server.received == []
