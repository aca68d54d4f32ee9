"""How many threads an inference should have, so that cores are left for decoding."""

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def inference_threads(cores: int, *, workers: int = 1) -> int:
    """Of every four cores one is left to decoding and to the API; the workers share the others."""
    return max(1, (cores - cores // 4) // workers)


def usable_cores(cgroups: Path = _CGROUPS) -> int:
    """The cores that this process may use: ONNX Runtime itself does not know of a container's share.

    Args:
        cgroups: Where the kernel tells a container its quota, https://docs.kernel.org/admin-guide/cgroup-v2.html.
    """
    # Not on macOS, where no process is bound to some of the cores.
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroups)
    return bound if quota is None else max(1, min(bound, round(quota)))


def _quota(cgroups: Path) -> float | None:
    """Cores that the control group may keep busy; None without a limit."""
    second, first = cgroups / "cpu.max", cgroups / "cpu" / "cpu.cfs_quota_us"
    if second.is_file():
        share, period = second.read_text().split()
        return None if share == "max" else int(share) / int(period)
    if first.is_file():
        share, period = first.read_text(), first.with_name("cpu.cfs_period_us").read_text()
        return None if int(share) < 0 else int(share) / int(period)
    return None
