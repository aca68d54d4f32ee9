"""The files of a ZIP archive, unpacked into memory: no name in it is ever used as a path."""

import io
import zipfile
from collections.abc import Iterator

from imaging.errors import ImageTooLargeError, UnsupportedImageError
from imaging.foreign_errors import translated
from imaging.kinds import Buffer
from imaging.limits import Limits

_DAMAGED = "the ZIP archive is damaged or truncated; send it again"
_ENCRYPTED = 0x1  # bit 0 of the general purpose flags, APPNOTE.TXT 4.4.4
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack(archive: Buffer, *, limits: Limits) -> Iterator[bytes]:
    """Yield the content of one member after the other.

    Raises:
        ImageTooLargeError: the archive has too many members or says it unpacks to more than `limits` allow.
        UnsupportedImageError: a member is encrypted or packed by another method than deflate.
        UnreadableImageError: the archive is damaged.
    """
    with translated(_DAMAGED):
        opened = zipfile.ZipFile(io.BytesIO(archive))
    # `is_dir` fails for a member that has no name at all.
    members = [member for member in opened.infolist() if not member.filename.endswith("/")]
    _check_budget(members, len(archive), limits=limits)
    for member in members:
        with translated(_DAMAGED):
            content = opened.read(member)  # reads `file_size` bytes at most, which the budget covers
        yield content


def _check_budget(members: list[zipfile.ZipInfo], archive_bytes: int, *, limits: Limits) -> None:
    if len(members) > limits.max_files:
        raise ImageTooLargeError(
            f"the ZIP archive holds {len(members):,} files, over {limits.max_files:,}; send one series alone"
        )
    unpacked_bytes = sum(member.file_size for member in members)
    budget = limits.expanded_bytes(archive_bytes)
    if unpacked_bytes > budget:
        raise ImageTooLargeError(
            f"the ZIP archive unpacks to {unpacked_bytes:,} bytes, over {budget:,}; send one series alone"
        )
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise UnsupportedImageError("the ZIP archive is encrypted; send it without a password")
    if any(member.compress_type not in _METHODS for member in members):
        raise UnsupportedImageError("the ZIP archive is not packed by deflate; pack it again with deflate")
