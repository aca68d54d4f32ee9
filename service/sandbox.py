"""Functions run in a process of their own, confined, under limits of time and memory.

A file that crashes its decoder, or makes it run for ever, costs one job and no worker. The process stays up
between calls, for starting one takes longer than decoding most images.
"""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import Any, TypeVar

from imaging.errors import ImageTooLargeError, ImagingError
from inference.errors import InferenceError
from service.confinement import confine, limit_next_call
from service.errors import SandboxCrashedError, SandboxTimeoutError, ServiceError
from service.failure_log import log_failure

_Result = TypeVar("_Result")

_START_TIMEOUT_S = 60.0


class Sandbox:
    """One child process, started at the first call and again after each that killed it."""

    def __init__(self, *, timeout_s: float, memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._lock = asyncio.Lock()  # one call at a time
        self._guard = threading.Lock()  # `close` may come while a thread starts the process
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    async def call(
        self, function: Callable[..., _Result], *arguments: Any, into: Path | None = None
    ) -> _Result:
        """Call a module's function in the sandbox; what it raises is raised here.

        Args:
            into: A file for the function to write, which it gets, open, as its last argument: the sandbox
                itself can open none.

        Raises:
            SandboxTimeoutError: It took longer than allowed.
            SandboxCrashedError: The process died of it.
            ImageTooLargeError: It needed more memory than allowed.
        """
        async with self._lock:
            answer = asyncio.create_task(asyncio.to_thread(self._call, function, arguments, into))
            try:
                raised, result = await asyncio.shield(answer)
            except asyncio.CancelledError:
                # The thread waits for the child: end that first, and only then give up the lock.
                self.close()
                await asyncio.wait([answer])
                raise
        if raised is not None:
            raise raised
        return result  # type: ignore[no-any-return]  # it came through a pipe

    def close(self) -> None:
        """End the process."""
        with self._guard:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()

    def _call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], into: Path | None
    ) -> tuple[Exception | None, Any]:
        try:
            pipe = self._started()
            pipe.send((function, arguments, into is not None))
            if into is not None:
                with into.open("wb") as file:
                    send_handle(pipe, file.fileno(), None)
            if not pipe.poll(self._timeout_s):
                self.close()
                return SandboxTimeoutError(
                    f"the image is not read after {self._timeout_s:g} s; send a smaller one"
                ), None
            answer: tuple[Exception | None, Any] = pipe.recv()
        except (EOFError, OSError):
            self.close()
            return SandboxCrashedError("the image crashes its decoder; the file is damaged"), None
        return answer

    def _started(self) -> Connection:
        with self._guard:
            if self._process is not None and self._process.is_alive() and self._pipe is not None:
                return self._pipe
            # One process imports the decoders and is forked for each sandbox, which starts in milliseconds.
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["service.worker.visits"])
            self._pipe, theirs = context.Pipe()
            arguments = (theirs, self._memory_bytes, self._timeout_s)
            self._process = context.Process(target=_serve, args=arguments, name="atypia-sandbox", daemon=True)
            self._process.start()
            theirs.close()
            pipe = self._pipe
        # The time that a call may take begins when the process is there.
        if not pipe.poll(_START_TIMEOUT_S):
            raise EOFError
        pipe.recv()
        return pipe


def _serve(pipe: Connection, memory_bytes: int, timeout_s: float) -> None:
    confine(memory_bytes=memory_bytes)
    pipe.send(None)
    while True:
        try:
            function, arguments, has_file = pipe.recv()
            file = os.fdopen(recv_handle(pipe), "wb") if has_file else None
        except (EOFError, KeyboardInterrupt):
            return
        limit_next_call(timeout_s)
        with file or nullcontext():
            answer = _answer(function, arguments if file is None else (*arguments, file))
        pipe.send(answer)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Exception | None, Any]:
    try:
        return None, function(*arguments)
    except MemoryError:
        return ImageTooLargeError("decoding needs more memory than allowed; send a smaller image"), None
    except (ImagingError, InferenceError, ServiceError) as error:
        return error, None
    except Exception as error:
        log_failure(error, where="sandbox")
        return SandboxCrashedError("the image crashes its decoder; the file is damaged"), None
