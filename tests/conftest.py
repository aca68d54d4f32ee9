"""What many tests need: one real server for all of them, a key prefix for each, and a tiny bundle."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import embedded_server
from service.settings import Settings
from tests.service.bundle_builder import SLOW, make_bundle
from tests.service.s3_server import BUCKET, s3_server, variables_for
from tests.service.tls_server import TlsServer, running_tls_server
from tests.service.valkey_servers import cluster, sentinel_group


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def sentinel_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sentinel_group(tmp_path_factory.mktemp("sentinel")) as group:
        yield group.url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("cluster")) as (_nodes, url):
        yield url


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with running_tls_server(tmp_path_factory.mktemp("tls")) as server:
        yield server


@pytest.fixture(scope="session")
def tls_url(tls_server: TlsServer) -> str:
    return tls_server.url


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def bucket_url(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place in a bucket; the environment says where the bucket is, for child processes too."""
    for name, value in variables_for(s3_address).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny` takes every image, `tiny-slow` needs about 10 ms a slice, `tiny-us` is for ultrasound."""
    folder = tmp_path_factory.mktemp("bundles")
    make_bundle(folder)
    make_bundle(folder, name="tiny-slow", steps=SLOW)
    make_bundle(folder, name="tiny-us", modalities=("US",))
    return folder


@pytest.fixture
def settings(tmp_path: Path, bundles: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        bundles=(bundles,),
        key_prefix=f"test-{secrets.token_hex(6)}",
        providers=("CPUExecutionProvider",),
        threads=1,
        worker_jobs=1,
        lease_s=1.0,
    )
