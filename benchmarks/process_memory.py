"""The resident memory of a process and of all that it started (Linux)."""

from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
_MIB = 2**20
_KIND = {
    "worker": "worker",
    "serve": "API",
    "spawn_main": "decoder",
    "valkey": "queue server",
    "redis": "queue server",
}


def tree_memory(root: int) -> dict[str, float]:
    """MiB by kind of process below `root`, itself included; processes that end meanwhile count as nothing."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children[parent].append(int(stat.parent.name))
    found: defaultdict[str, float] = defaultdict(float)
    waiting = [root]
    while waiting:
        process = waiting.pop()
        waiting.extend(children[process])
        found[_kind(process)] += _resident_mib(process)
    return {kind: mib for kind, mib in sorted(found.items()) if mib}


def _resident_mib(process: int) -> float:
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    # The proportional set: memory that processes share counts once.
    return sum(int(line.split()[1]) * 1024 / _MIB for line in lines if line.startswith("Pss:"))


def _kind(process: int) -> str:
    try:
        command = (PROC / str(process) / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return "other"
    return next((kind for word, kind in _KIND.items() if word in command), "other")
