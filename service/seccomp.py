"""A filter of system calls (Linux seccomp): no new socket, no program, no hand on another process.

Source: https://docs.kernel.org/userspace-api/seccomp_filter.html; the filter is classic BPF. Every thread of
the process is bound by it, for ever; a forbidden call fails with EPERM.
"""

import ctypes
import errno
import platform
import struct

_SECCOMP = {"x86_64": 317, "aarch64": 277}  # the call's own number
_SET_FILTER, _ALL_THREADS = 1, 1
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_…
# socket, execve, execveat, ptrace, process_vm_readv, process_vm_writev, and io_uring_setup: it makes sockets.
_FORBIDDEN = {
    "x86_64": (41, 59, 322, 101, 310, 311, 425),
    "aarch64": (198, 221, 281, 117, 270, 271, 425),
}
_X32 = 0x40000000  # bit of the x32 calls, a second table on x86_64

_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data


def forbid_calls() -> bool:
    """Install the filter; whether it is in force. It needs `no_new_privs`."""
    machine = platform.machine()
    if machine not in _FORBIDDEN:
        return False
    program = _program(machine)
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a count, padding up to a pointer, the pointer.
    head = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (_SECCOMP[machine], _SET_FILTER, _ALL_THREADS, ctypes.create_string_buffer(head, len(head)))
    return bool(libc.syscall(*arguments) == 0)


def _program(machine: str) -> bytes:
    calls = _FORBIDDEN[machine]
    refuse = len(calls) + 1  # instructions from the first comparison to the refusal
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 0, refuse + 2, _ARCHITECTURE[machine]),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_AT_LEAST, refuse, 0, _X32),
        *((_JUMP_IF_EQUAL, refuse - 1 - place, 0, call) for place, call in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
