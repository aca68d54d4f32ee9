"""What goes between a process and its sandbox: pickles, with the arrays beside them, so that none is copied.

The sandbox believes its parent. The parent does not believe the sandbox, which a hostile file may have taken
over: of what comes back only plain values, arrays and this project's own data and errors are made.
"""

import asyncio
import builtins
import io
import pickle
import socket
import struct
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any, BinaryIO

from pydantic import BaseModel

_COUNT = struct.Struct("<I")
_FILE = b"f"  # a descriptor must go with a byte
_MOST_PARTS = 4096
_PACKAGES = ("imaging", "inference", "service")
_NUMPY = frozenset(
    (
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
    )
)
_Part = bytes | memoryview


def packed(message: Any) -> list[_Part]:
    """A message in parts, the first of which tells how many follow, and how long they are."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts: list[_Part] = [body, *(buffer.raw() for buffer in buffers)]
    lengths = struct.pack(f"<{len(parts)}Q", *(memoryview(part).nbytes for part in parts))
    head = _COUNT.pack(len(parts)) + lengths
    # Most messages go in one piece.
    return [head + body] if len(parts) == 1 else [head, *parts]


def send(pipe: socket.socket, message: Any) -> None:
    for part in packed(message):
        pipe.sendall(part)


def receive(pipe: socket.socket) -> Any:
    """The parent's next message.

    Raises:
        EOFError: The parent is gone.
    """
    [count] = _COUNT.unpack(_read(pipe, _COUNT.size))
    lengths = struct.unpack(f"<{count}Q", _read(pipe, 8 * count))
    body, *buffers = [_read(pipe, length) for length in lengths]
    return pickle.loads(body, buffers=buffers)  # noqa: S301  # our own parent wrote it


async def send_async(pipe: socket.socket, message: Any) -> None:
    loop = asyncio.get_running_loop()
    for part in packed(message):
        await loop.sock_sendall(pipe, part)


async def send_file_async(pipe: socket.socket, file: BinaryIO) -> None:
    """Hand an open file over, as soon as the pipe has room: the message before it may fill it still."""
    while True:
        try:
            socket.send_fds(pipe, [_FILE], [file.fileno()])
            return
        except BlockingIOError:
            await _room(pipe)


async def receive_async(pipe: socket.socket, *, max_bytes: int) -> Any:
    """The sandbox's answer.

    Raises:
        EOFError: The sandbox is gone, or answers with what nobody asked for.
    """
    [count] = _COUNT.unpack(await _read_async(pipe, _COUNT.size))
    if not 0 < count <= _MOST_PARTS:
        raise EOFError
    lengths = struct.unpack(f"<{count}Q", await _read_async(pipe, 8 * count))
    if sum(lengths) > max_bytes:
        raise EOFError
    body, *buffers = [await _read_async(pipe, length) for length in lengths]
    try:
        return _PlainUnpickler(io.BytesIO(body), buffers=buffers).load()
    except Exception as error:  # of what a pickle can be made to raise there is no list
        raise EOFError from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NUMPY:
            return super().find_class(module, name)
        found: Any = None
        if module.partition(".")[0] in _PACKAGES:
            found = getattr(import_module(module), name, None)
        elif module == "builtins":
            found = getattr(builtins, name, None)
        if not _is_harmless(found, module):
            raise pickle.UnpicklingError(f"a sandbox may not answer with {module}.{name}")
        return found


def _is_harmless(found: Any, module: str) -> bool:
    """Whether to make one of these does nothing but hold values."""
    if not isinstance(found, type):
        return False
    if module == "builtins":
        return issubclass(found, Exception) or found in (set, frozenset, complex, bytearray, slice, range)
    return is_dataclass(found) or issubclass(found, BaseModel | Exception)


async def _room(pipe: socket.socket) -> None:
    """Wait until the pipe takes more."""
    loop, has_room = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(pipe, has_room.set)
    try:
        await has_room.wait()
    finally:
        loop.remove_writer(pipe)


def _read(pipe: socket.socket, length: int) -> bytearray:
    content = bytearray(length)
    rest = memoryview(content)
    while rest:
        if not (count := pipe.recv_into(rest)):
            raise EOFError
        rest = rest[count:]
    return content


async def _read_async(pipe: socket.socket, length: int) -> bytearray:
    loop = asyncio.get_running_loop()
    content = bytearray(length)
    rest = memoryview(content)
    while rest:
        if not (count := await loop.sock_recv_into(pipe, rest)):
            raise EOFError
        rest = rest[count:]
    return content
