"""Landlock (Linux 5.13 and newer): a process gives up writing files, running programs and TCP.

Source: https://docs.kernel.org/userspace-api/landlock.html; constants of include/uapi/linux/landlock.h. The
thread that calls it and those that it starts are bound by it, for ever.
"""

import ctypes
import os
import struct

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every architecture
_VERSION = 1  # flag of _CREATE_RULESET: say the ABI's version instead

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_REMOVE_AND_MAKE = 0x1FF0  # bits 4 to 12: folders, files, sockets, devices and links
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def give_up_rights() -> bool:
    """Deny what the running kernel can deny; whether it could deny writing at all."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return False
    rights = _rights(version)
    rules = libc.syscall(_CREATE_RULESET, ctypes.create_string_buffer(rights, len(rights)), len(rights), 0)
    if rules < 0:
        return False
    try:
        # No rule is added to the set: nothing is excepted from what it handles.
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _rights(version: int) -> bytes:
    """`struct landlock_ruleset_attr`, as long as that version knows it."""
    files = _EXECUTE | _WRITE_FILE | _REMOVE_AND_MAKE
    files |= _REFER if version >= 2 else 0
    files |= _TRUNCATE if version >= 3 else 0
    numbers = [files]
    if version >= 4:
        numbers.append(_TCP_BIND_AND_CONNECT)
    if version >= 6:
        numbers.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    return struct.pack(f"={len(numbers)}Q", *numbers)
