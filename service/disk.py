"""Room on the disk of the store: uploads are refused before it is full, so that results still fit."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obstore.exceptions import GenericError

from service.errors import DiskFullError, StoreFullError

_RETRY_S = 60
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Disk:
    """The disk below `folder`, of which `min_free_bytes` are to stay free."""

    def __init__(self, folder: Path, *, min_free_bytes: int) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    def check(self, coming_bytes: int = 0) -> None:
        """Refuse so many bytes more.

        Raises:
            DiskFullError: Less than the low-water mark would stay free.
        """
        free = self.free_bytes
        if free - coming_bytes < self._min_free_bytes:
            raise DiskFullError(
                f"the disk of the store has {free:,} bytes left, and {self._min_free_bytes:,} are kept free; "
                "try again when its operator has made room, or old jobs have gone",
                retry_after_s=_RETRY_S,
            )


@contextmanager
def fullness_named() -> Iterator[None]:
    """Tell a disk that is full from all else that can go wrong with a write.

    Raises:
        StoreFullError: It is.
    """
    full = StoreFullError("the disk of the store is full; try again when its operator has made room")
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full from error
        raise
    except GenericError as error:  # obstore keeps the number in its text alone
        if any(f"os error {number}" in str(error) for number in _FULL):
            raise full from error
        raise
