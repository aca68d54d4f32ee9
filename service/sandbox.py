"""Functions run in a process of their own, confined, under limits of time and memory.

A file that crashes its decoder, or makes it run for ever, costs one job and no worker. The process stays up
between calls, for starting one takes longer than decoding most images.
"""

import asyncio
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from imaging.errors import ImageTooLargeError, ImagingError
from inference.errors import InferenceError
from service.confinement import confine, limit_next_call
from service.disk import fullness_named
from service.errors import SandboxCrashedError, SandboxTimeoutError, ServiceError
from service.failure_log import log_failure
from service.sandbox_messages import receive, receive_async, send, send_async, send_file_async

_Result = TypeVar("_Result")

_START_TIMEOUT_S = 60.0
_later: list[Callable[[], None]] = []


class Sandbox:
    """One child process, started at the first call and again after each that killed it."""

    def __init__(self, *, timeout_s: float, memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._lock = asyncio.Lock()  # one call at a time
        self._guard = threading.Lock()  # `close` may come while a thread starts the process
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: socket.socket | None = None

    async def call(
        self, function: Callable[..., _Result], *arguments: Any, into: Sequence[Path] = ()
    ) -> _Result:
        """Call a module's function in the sandbox; what it raises is raised here.

        Args:
            into: Files for the function to write, which it gets, open, as its last arguments: the sandbox
                itself can open none.

        Raises:
            SandboxTimeoutError: It took longer than allowed.
            SandboxCrashedError: The process died of it.
            ImageTooLargeError: It needed more memory than allowed.
        """
        async with self._lock:
            try:
                pipe = self._living() or await self._started()
                async with asyncio.timeout(self._timeout_s):
                    raised, result = await self._answer(pipe, (function, arguments, len(into)), into)
            except TimeoutError:
                self.close()
                raise SandboxTimeoutError(
                    f"the image is not read after {self._timeout_s:g} s; send a smaller one"
                ) from None
            except (EOFError, OSError):
                self.close()
                raise SandboxCrashedError("the image crashes its decoder; the file is damaged") from None
            except asyncio.CancelledError:
                # It works on for nobody, and its answer would be taken for the next one's.
                self.close()
                raise
        if raised is not None:
            raise raised
        return result  # type: ignore[no-any-return]  # it came through a pipe

    def close(self) -> None:
        """End the process."""
        with self._guard:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()

    async def _answer(
        self, pipe: socket.socket, message: tuple[Any, ...], into: Sequence[Path]
    ) -> tuple[Exception | None, Any]:
        await send_async(pipe, message)
        for path in into:
            with fullness_named(), path.open("wb") as file:
                await send_file_async(pipe, file)
        answer: tuple[Exception | None, Any] = await receive_async(pipe, max_bytes=self._memory_bytes)
        return answer

    def _living(self) -> socket.socket | None:
        """The pipe to the process, unless that died since the last call."""
        if self._pipe is None:
            return None
        try:
            self._pipe.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return self._pipe
        except OSError:
            pass
        # It says nothing unasked: this is its end.
        self.close()
        return None

    async def _started(self) -> socket.socket:
        starting = asyncio.create_task(asyncio.to_thread(self._start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Only a process that is there can be ended.
            await asyncio.wait([starting])
            raise

    def _start(self) -> socket.socket:
        # One process imports the decoders and is forked for each sandbox, which starts in milliseconds.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["service.worker.visits"])
        ours, theirs = socket.socketpair()
        arguments = (theirs, self._memory_bytes, self._timeout_s)
        with self._guard:
            self._process = context.Process(target=_serve, args=arguments, name="atypia-sandbox", daemon=True)
            self._process.start()
            self._pipe = ours
        theirs.close()
        # The time that a call may take begins when the process is there.
        ours.settimeout(_START_TIMEOUT_S)
        try:
            receive(ours)
        except TimeoutError as error:
            raise EOFError from error
        ours.setblocking(False)
        return ours


def do_later(task: Callable[[], None]) -> None:
    """For a function in the sandbox: have a task run when the call has been answered, before the next one."""
    _later.append(task)


def _serve(pipe: socket.socket, memory_bytes: int, timeout_s: float) -> None:
    confine(memory_bytes=memory_bytes)
    send(pipe, None)
    while True:
        try:
            function, arguments, file_count = receive(pipe)
            descriptors = [socket.recv_fds(pipe, 1, 1)[1][0] for _ in range(file_count)]
        except (EOFError, OSError, KeyboardInterrupt):
            return
        files = [os.fdopen(descriptor, "wb") for descriptor in descriptors]
        limit_next_call(timeout_s)
        answer = _answer(function, arguments, files)
        for file in files:
            with suppress(OSError):  # what did not fit has been told
                file.close()
        send(pipe, answer)
        while _later:
            _answer(_later.pop(), ())


def _answer(
    function: Callable[..., Any], arguments: tuple[Any, ...], files: Sequence[BinaryIO] = ()
) -> tuple[Exception | None, Any]:
    try:
        with fullness_named():
            result = function(*arguments, *files)
            for file in files:
                file.flush()
        return None, result
    except MemoryError:
        return ImageTooLargeError("decoding needs more memory than allowed; send a smaller image"), None
    except (ImagingError, InferenceError, ServiceError) as error:
        return error, None
    except Exception as error:
        log_failure(error, where="sandbox")
        return SandboxCrashedError("the image crashes its decoder; the file is damaged"), None
