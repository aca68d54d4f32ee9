"""Which entries of a patient's folder are which contrast, by the words of their names."""

import re
from collections.abc import Iterable
from pathlib import Path

from imaging.errors import MissingContrastError


def contrast_files(folder: Path, contrasts: Iterable[str]) -> dict[str, list[Path]]:
    """The files of each contrast: one, or all that lie in a folder of its name.

    An entry is of the contrast whose name is a word of its own: `FLAIR.nii.gz`, `sub-01_FLAIR.nii.gz`.

    Raises:
        MissingContrastError: There is no folder, or no entry or more than one of a contrast.
    """
    if not folder.is_dir():
        raise MissingContrastError(
            f"{folder.name} is no folder; make one with a file or folder for each of {', '.join(contrasts)}"
        )
    return {name: files_of(_entry_of(folder, name)) for name in contrasts}


def files_of(path: Path) -> list[Path]:
    """All files below a folder in their order, or the file itself."""
    return sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]


def _entry_of(folder: Path, contrast: str) -> Path:
    entries = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix != ".json" and not path.name.startswith(".")  # BIDS describes files in JSON
    ]
    words = {path: re.split(r"[^a-z0-9+]+", path.name.casefold()) for path in entries}
    found = [path for path in entries if contrast.casefold() in words[path]]
    if len(found) != 1:
        names = ", ".join(path.name for path in found or entries)
        raise MissingContrastError(
            f"{folder} holds {len(found)} files of the contrast {contrast}, not one: {names}"
        )
    return found[0]
