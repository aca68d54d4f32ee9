"""What a watch is told on its command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.client import FORMS


class WrongFolderError(ValueError):
    """A folder is not there, or lies where the watch would take its own results for images."""


@dataclass(frozen=True)
class WatchSettings:
    """`options` are those of `Client.submit`; images with an outcome are moved below `move_to`, if given."""

    watched: Path
    out: Path
    options: Mapping[str, str | None]
    forms: tuple[str, ...]
    quiet_s: float
    poll_s: float
    at_once: int
    move_to: Path | None
    once: bool

    def prepare(self) -> None:
        """Make the folders that things are put in.

        Raises:
            WrongFolderError: There is nothing to watch, or results would be scored in their turn.
            ValueError: A form is unknown.
        """
        if unknown := sorted(set(self.forms) - FORMS.keys()):
            raise ValueError(f"unknown form {unknown[0]!r}; choose from {', '.join(FORMS)}")
        if not self.watched.is_dir():
            raise WrongFolderError(f"{self.watched} is no folder; make it, or name another")
        for folder in (self.out, self.move_to):
            if folder is not None and folder.resolve().is_relative_to(self.watched.resolve()):
                raise WrongFolderError(f"{folder} lies in the watched folder; name one beside it")
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
