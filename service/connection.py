"""One way to reach Redis: a server, the master that Sentinels name, or a cluster.

Its URL says which: `redis://`, `redis+sentinel://host,host/master` or `redis+cluster://host,host`, with TLS
`rediss…`, or `unix://`. All keys of a service lie in one slot, so a cluster's client does what a server's
does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

_SERVER_PORT, _SENTINEL_PORT = 6379, 26379
# A Sentinel that is away must not hold up the question to the next.
_SENTINEL_TIMEOUT_S = 2


def connect(url: str) -> Redis:
    """A client that repeats a command whose connection dropped, which is why every write may happen twice.

    Raises:
        ValueError: There is no such kind of URL.
    """
    kind = urlsplit(url).scheme.partition("+")[2]
    if kind not in _CONNECTS:
        raise ValueError(f"unknown kind of Redis {kind!r}; choose from sentinel, cluster")
    return _CONNECTS[kind](url)


async def send(redis: Redis, *command: Any) -> Any:
    """Send one command that is not worth a method of its own."""
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own


class _SentinelPool(SentinelConnectionPool):
    """A pool that closes its connections to the Sentinels, too."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


class _Cluster(RedisCluster):
    """A cluster that is away is what a server that is away is."""

    async def initialize(self, *arguments: Any, **named: Any) -> RedisCluster:
        with _as_connection_error():
            return await super().initialize(*arguments, **named)

    async def execute_command(self, *command: Any, **named: Any) -> Any:
        # While one task finds the nodes, redis-py lets others look for a command's keys before it knows how.
        await self.initialize()
        with _as_connection_error():
            return await super().execute_command(*command, **named)


@contextmanager
def _as_connection_error() -> Iterator[None]:
    # What redis-py says of a cluster is no RedisError.
    try:
        yield
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error


def _server(url: str) -> Redis:
    return Redis.from_url(url, **_common())


def _sentinel(url: str) -> Redis:
    parts = urlsplit(url)
    options, tls = _options_of(parts)
    password = options.pop("sentinel_password", None)
    sentinels = Sentinel(  # type: ignore[no-untyped-call]  # redis-py's own
        _hosts_of(parts, _SENTINEL_PORT),
        sentinel_kwargs={
            **tls,
            "password": password,
            "retry": Retry(NoBackoff(), retries=0),
            "socket_timeout": _SENTINEL_TIMEOUT_S,
            "socket_connect_timeout": _SENTINEL_TIMEOUT_S,
        },
        **options,
    )
    name = parts.path.strip("/")
    client: Redis = sentinels.master_for(name, connection_pool_class=_SentinelPool, **tls)
    return client


def _cluster(url: str) -> Redis:
    parts = urlsplit(url)
    options, tls = _options_of(parts)
    nodes = [ClusterNode(host, port) for host, port in _hosts_of(parts, _SERVER_PORT)]
    # Of what the service sends, it takes every command that a server's client takes, and answers alike.
    return cast(Redis, _Cluster(startup_nodes=nodes, **tls, **options))


_CONNECTS: dict[str, Callable[[str], Redis]] = {"": _server, "sentinel": _sentinel, "cluster": _cluster}


def _common() -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_connect_timeout": 5,
        "socket_timeout": 15,
        "health_check_interval": 30,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=3),
    }


def _options_of(parts: SplitResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the URL says beside the hosts and the path: of any connection, and of TLS."""
    user, at, _hosts = parts.netloc.rpartition("@")
    said: dict[str, Any] = {
        **parse_url(f"{parts.scheme.partition('+')[0]}://{user}{at}localhost?{parts.query}")
    }
    del said["host"]
    is_tls = said.pop("connection_class", None) is SSLConnection
    tls = {name: said.pop(name) for name in list(said) if name.startswith("ssl_")}
    return {**_common(), **said}, {"ssl": True, **tls} if is_tls else {}


def _hosts_of(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    hosts = parts.netloc.rpartition("@")[2].split(",")
    found = [urlsplit(f"//{host}") for host in hosts]
    return [(host.hostname or "localhost", host.port or default_port) for host in found]
