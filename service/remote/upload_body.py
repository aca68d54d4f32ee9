"""A multipart body that is read from disk while it is sent: any number of files, one of them open."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

_PIECE_BYTES = 2**18
_INDEX = "DICOMDIR"
_ANY_FIELD = "file"

PathLike = str | Path
Files = PathLike | Sequence[PathLike] | Mapping[str, PathLike | Sequence[PathLike]]


class UploadBody:
    """Files as parts of a form, to be sent again if need be. Their names stay here: they may be patients'."""

    def __init__(self, files: Files) -> None:
        """What to send; a mapping holds the files of each contrast.

        Raises:
            FileNotFoundError: A file does not exist, or a folder holds none.
        """
        boundary = secrets.token_hex(16)
        named = files if isinstance(files, Mapping) else {_ANY_FIELD: files}
        self._parts = [(_head(boundary, name), path) for name in named for path in _paths_of(named[name])]
        self._end = f"--{boundary}--\r\n".encode()
        sizes = sum(len(head) + path.stat().st_size + len(b"\r\n") for head, path in self._parts)
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(sizes + len(self._end)),
        }

    def __iter__(self) -> Iterator[bytes]:
        for head, path in self._parts:
            yield head
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    yield piece
            yield b"\r\n"
        yield self._end

    async def read(self) -> AsyncIterator[bytes]:
        """The same, without holding up the event loop while the disk is slow."""
        pieces = iter(self)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


def _head(boundary: str, field: str) -> bytes:
    name = field.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="image"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()


def _paths_of(files: PathLike | Sequence[PathLike]) -> list[Path]:
    given = [files] if isinstance(files, str | Path) else files
    paths = [path for entry in given for path in _files_below(Path(entry))]
    if not paths:
        raise FileNotFoundError(f"no file to send in {', '.join(map(str, given)) or 'an empty list'}")
    return paths


def _files_below(path: Path) -> list[Path]:
    """The file itself, or all files of a folder but hidden ones and DICOMDIRs."""
    if not path.is_dir():
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        return [path]
    found = (file for file in sorted(path.rglob("*")) if file.is_file())
    return [file for file in found if file.name != _INDEX and not file.name.startswith(".")]
