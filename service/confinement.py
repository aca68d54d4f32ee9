"""What a sandboxed process may still do: compute, read files, answer through its pipe.

Limits of memory, processor time and open files hold everywhere; Linux also takes away writing, programs and
connections. What stays open: reading any file that the service's user may read.
"""

import ctypes
import resource
import sys
from pathlib import Path

from service.landlock import give_up_rights
from service.seccomp import forbid_calls

_STATM = Path("/proc/self/statm")
_SET_NO_NEW_PRIVILEGES = 38  # of prctl(2)
# Every file of an upload is mapped at once, and many systems start a process with 1,024.
_MOST_FILES = 16384
_SPARE_S = 5


def confine(*, memory_bytes: int) -> None:
    """Give up, for ever, what decoding does not need.

    Args:
        memory_bytes: Address space beyond what is mapped already (Linux).
    """
    _limit_memory(memory_bytes)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        forbid_calls()
    if sys.platform != "linux" or not give_up_rights():
        # The coarser way: no file can grow without end.
        resource.setrlimit(resource.RLIMIT_FSIZE, (memory_bytes, memory_bytes))


def limit_next_call(seconds: float) -> None:
    """Let this process end by itself after so much more processor time: its parent may be dead by then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + _SPARE_S
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )


def _limit_memory(memory_bytes: int) -> None:
    if _STATM.exists():
        pages = int(_STATM.read_text().split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
