"""Large bodies through a real API process: in pieces from the socket to the store, never whole in memory."""

import os
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import PATIENCE_S, address_of, running

MIB = 2**20
SIZE_MIB = 300
# The whole body twice over would be 600; what is in flight between the socket and the disk is a few.
ALLOWED_MIB = 80


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large")


@pytest.fixture(scope="module")
def api(data_dir: Path, bundles: Path) -> Iterator[tuple[int, httpx.Client]]:
    """The API's process id and a client of it; what it takes is at most 310 MiB."""
    limit = str(310 * MIB)
    with (
        running(
            "serve", "--port", "0", data_dir=data_dir, bundles=bundles, max_upload_bytes=limit
        ) as process,
        httpx.Client(base_url=address_of(process), timeout=PATIENCE_S) as client,
    ):
        yield process.pid, client


def peak_mib(pid: int) -> float:
    """The most memory that a process had at any moment (VmHWM)."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) / 1024


def pieces(count: int = SIZE_MIB) -> Iterator[bytes]:
    """Bytes that look like no image and do not compress."""
    noise = os.urandom(MIB)
    for index in range(count):
        yield index.to_bytes(4, "big") + noise[4:]


def multipart(boundary: str) -> Iterator[bytes]:
    yield f'--{boundary}\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'.encode()
    yield from pieces()
    yield f"\r\n--{boundary}--\r\n".encode()


def test_memory_stays_flat_whatever_is_sent(api: tuple[int, httpx.Client]):
    pid, client = api
    if not Path(f"/proc/{pid}/status").exists():
        pytest.skip("no /proc on this system")
    client.post("/score", content=b"no image")
    before = peak_mib(pid)
    raw = client.post("/score", content=pieces())
    form = client.post(
        "/score", content=multipart("xyz"), headers={"Content-Type": "multipart/form-data; boundary=xyz"}
    )
    assert (raw.status_code, form.status_code) == (415, 415)
    assert peak_mib(pid) - before < ALLOWED_MIB


def test_a_body_without_a_length_is_cut_off_at_the_limit(api: tuple[int, httpx.Client], data_dir: Path):
    _pid, client = api
    assert client.post("/score", content=pieces(320)).status_code == 413
    assert [path for path in (data_dir / "store").rglob("*") if path.is_file()] == []


def test_a_length_above_the_limit_is_refused_before_the_body(api: tuple[int, httpx.Client]):
    _pid, client = api
    connection = HTTPConnection(client.base_url.host, client.base_url.port or 80, timeout=PATIENCE_S)
    connection.putrequest("POST", "/score")
    connection.putheader("Content-Length", str(320 * MIB))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
