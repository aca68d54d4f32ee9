"""A folder that one process works in at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderTakenError(Exception):
    """Another process works in the folder; its text is a sentence for the operator."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep others out for as long as the context is open; a kill opens the folder again.

    Raises:
        FolderTakenError: Another one is in it.
    """
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderTakenError(
                f"another process works in {folder}; stop it, or name another folder"
            ) from error
        yield
