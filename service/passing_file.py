"""A file that is read once and has no name: nothing of it is left, whatever becomes of its reader."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

_PIECE_BYTES = 2**20


class PassingFile:
    """What is written at `path`, which must be on a local disk; its name may be removed at once."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._descriptor).st_size

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content."""
        while piece := await asyncio.to_thread(os.read, self._descriptor, _PIECE_BYTES):
            yield piece

    def __del__(self) -> None:
        # A response that is never begun is never told of its end.
        os.close(self._descriptor)
