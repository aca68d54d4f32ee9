"""What lies in the watched folder, as images, and since when each has not changed."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imaging.image_files import INDEX, group_of

# What programs call files that they are still writing, and what desktops leave behind.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", "~")
_NO_IMAGES = {INDEX, "thumbs.db", "desktop.ini"}

Stamp = tuple[str, int, int]  # name below the watched folder, bytes, time of the last change in ns


@dataclass(frozen=True)
class Source:
    """An image: a file, or the slices of one series in one folder.

    `name` is where its results go, below the folder of results: the file's own, or its folder's with one for
    the series in it.
    """

    name: Path
    files: tuple[Path, ...]
    stamps: tuple[Stamp, ...]

    @property
    def key(self) -> str:
        """What logs call it: names of files are often patients'."""
        return hashlib.sha256(str(self.name).encode()).hexdigest()[:12]


class Sources:
    def __init__(self, folder: Path, *, quiet_s: float) -> None:
        self._folder = folder
        self._quiet_s = quiet_s
        self._groups: dict[Stamp, Hashable] = {}
        self._seen: dict[Path, tuple[tuple[Stamp, ...], float]] = {}

    def look(self, now: float) -> tuple[list[Source], list[Source]]:
        """Those that have been quiet, and those that are still to be, by a clock that never goes back.

        Folders are asked, not listened to: no system tells of changes that another machine makes on a share.
        """
        quiet: list[Source] = []
        moving: list[Source] = []
        seen: dict[Path, tuple[tuple[Stamp, ...], float]] = {}
        for source in self._found():
            before, since = self._seen.get(source.name, (None, now))
            seen[source.name] = (source.stamps, since if before == source.stamps else now)
            (quiet if now - seen[source.name][1] >= self._quiet_s else moving).append(source)
        self._seen = seen
        return quiet, moving

    def _found(self) -> Iterator[Source]:
        groups: defaultdict[Hashable, list[tuple[Path, Stamp]]] = defaultdict(list)
        known: dict[Stamp, Hashable] = {}
        for file, stamp in self._stamped():
            known[stamp] = self._groups[stamp] if stamp in self._groups else group_of(file)
            groups[known[stamp]].append((file, stamp))
        self._groups = known
        for group, members in groups.items():
            files, stamps = zip(*members, strict=True)
            yield Source(self._name(group, files[0]), files, stamps)

    def _stamped(self) -> Iterator[tuple[Path, Stamp]]:
        for file in sorted(self._folder.rglob("*")):
            below = file.relative_to(self._folder)
            if not _is_taken(below) or file.is_symlink():
                continue
            try:
                if file.is_file():
                    status = file.stat()
                    yield file, (str(below), status.st_size, status.st_mtime_ns)
            except FileNotFoundError:
                continue  # it went away meanwhile

    def _name(self, group: Hashable, first: Path) -> Path:
        below = first.relative_to(self._folder)
        if not isinstance(group, tuple):
            return below
        _, series_uid = group
        return below.parent / f"series-{hashlib.sha256(series_uid.encode()).hexdigest()[:8]}"


def _is_taken(below: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in below.parts)
    name = below.name.lower()
    return not is_hidden and name not in _NO_IMAGES and not name.endswith(_UNFINISHED)
