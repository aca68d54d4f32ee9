"""How the settings lead to Redis: its kinds of URL, and what of it is kept in files."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import ValidationError
from redis.exceptions import RedisError

from service.connection import connect, send
from service.redis_url import complete_url
from service.serve import queue_server
from service.settings import Settings
from tests.service.tls_server import TlsServer, make_authority, running_tls_server
from tests.service.valkey_servers import SLOTS, until


def test_a_password_and_certificates_are_put_into_the_url(tmp_path: Path):
    password_file = tmp_path / "password"
    password_file.write_text("a/b c\n")
    url = "rediss+sentinel://worker@one:26379,two/master?protocol=2"
    assert complete_url(url, password_file=password_file, ca_file=Path("/ca.pem")) == (
        "rediss+sentinel://worker:a%2Fb%20c@one:26379,two/master?protocol=2&ssl_ca_certs=%2Fca.pem"
    )


def test_a_url_that_says_all_is_left_alone():
    url = "unix://:secret@/run/redis.sock?db=1"
    assert complete_url(url, password_file=None, ca_file=None) == url


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis+ring://localhost"])
def test_a_url_of_another_kind_is_refused_at_the_start(url: str):
    with pytest.raises(ValidationError, match="redis_url"):
        Settings(redis_url=url)


def test_a_client_knows_every_host_of_its_url():
    redis = connect("rediss+sentinel://user:a%40b@one,two:7000/master/?sentinel_password=other&db=3")
    pool = redis.connection_pool
    sentinels = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
    assert [(own["host"], own["port"], own["password"]) for own in sentinels] == [
        ("one", 26379, "other"),
        ("two", 7000, "other"),
    ]
    own = pool.connection_kwargs
    assert (pool.service_name, own["username"], own["password"], own["db"]) == ("master", "user", "a@b", 3)


def test_certificates_without_tls_are_a_mistake(tmp_path: Path):
    (tmp_path / "ca.pem").touch()
    with pytest.raises(ValidationError, match="let redis_url begin with rediss"):
        Settings(redis_url="redis://localhost", redis_ca_file=tmp_path / "ca.pem")


def test_a_password_file_that_does_not_exist_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(ValidationError, match="redis_password_file"):
        Settings(redis_url="redis://localhost", redis_password_file=tmp_path / "none")


@pytest.mark.asyncio
async def test_the_settings_files_open_a_server_behind_tls(tls_server: TlsServer):
    settings = Settings(
        redis_url=f"rediss://localhost:{tls_server.port}",
        redis_password_file=tls_server.password_file,
        redis_ca_file=tls_server.authority_file,
    )
    with queue_server(settings) as url:
        assert await answers(url)


@pytest.mark.asyncio
async def test_a_server_of_another_authority_or_name_is_not_spoken_to(tls_server: TlsServer, tmp_path: Path):
    make_authority(tmp_path)
    another_authority = replace(tls_server, authority_file=tmp_path / "authority.pem").url
    another_name = tls_server.complete(f"rediss://127.0.0.1:{tls_server.port}")
    for url in (another_authority, another_name):
        with pytest.raises(RedisError, match="certificate verify failed"):
            await answers(url)


@pytest.mark.asyncio
async def test_sentinels_and_their_master_are_spoken_to_over_tls(tls_server: TlsServer, tmp_path: Path):
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(
        "sentinel resolve-hostnames yes\n"
        "sentinel announce-hostnames yes\n"
        f"sentinel monitor atypia localhost {tls_server.port} 1\n"
        f'sentinel auth-pass atypia "{tls_server.password_file.read_text().strip()}"\n'
        "tls-replication yes\n"
    )
    with running_tls_server(tmp_path / "sentinel", str(configuration), "--sentinel") as sentinel:
        password = quote(sentinel.password_file.read_text().strip(), safe="")
        hosts = f"localhost:{sentinel.port}"
        # Both have a certificate of their own authority.
        both = tmp_path / "both.pem"
        both.write_text(tls_server.authority_file.read_text() + sentinel.authority_file.read_text())
        known = replace(tls_server, authority_file=both)
        assert await answers(known.complete(f"rediss+sentinel://{hosts}/atypia?sentinel_password={password}"))


@pytest.mark.asyncio
async def test_a_cluster_is_spoken_to_over_tls(tmp_path: Path):
    options = ("--cluster-enabled", "yes", "--tls-cluster", "yes")
    with running_tls_server(tmp_path / "node", *options, names="DNS:localhost,IP:127.0.0.1") as node:
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        until(lambda: node.ask("CLUSTER INFO")["cluster_state"] == "ok")  # type: ignore[index]
        assert await answers(node.complete(f"rediss+cluster://localhost:{node.port}"))


async def answers(url: str) -> bool:
    """Whether what was written there can be read."""
    redis = connect(url)
    try:
        await send(redis, "SET", "key", "value")
        return bool(await send(redis, "GET", "key") == "value")
    finally:
        await redis.aclose()
