"""De-identified copies of files, under names that say nothing."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from imaging.deidentification.files import deidentify_file
from imaging.deidentification.profile import Profile
from imaging.deidentification.report import Report
from imaging.limits import Limits


@dataclass(frozen=True)
class Copier:
    """Makes them one at a time, so that one file is in memory, whoever asks."""

    key: bytes
    profile: Profile = field(default_factory=Profile)
    limits: Limits = field(default_factory=Limits)
    subject: str | None = None
    _turn: Lock = field(default_factory=Lock, repr=False)

    def copy(self, source: Path, folder: Path) -> tuple[Path, Report]:
        """Named by its content, so that a second run under the same key makes the same file.

        Raises:
            ImagingError: The file cannot be de-identified; nothing is written.
            OSError: It cannot be read, or its copy not be written.
        """
        with self._turn:
            made = deidentify_file(
                source.read_bytes(),
                key=self.key,
                profile=self.profile,
                limits=self.limits,
                subject=self.subject,
            )
            target = folder / f"{hashlib.sha256(made.content).hexdigest()[:24]}{made.suffix}"
            unfinished = target.with_name(f".{target.name}.part")
            folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(made.content)
            unfinished.replace(target)
        return target, made.report

    def copies(self, sources: Sequence[Path], folder: Path) -> list[Path]:
        """The same of several, in their order."""
        return [self.copy(source, folder)[0] for source in sources]

    def name_of_folder(self, folder: Path) -> str:
        """One that only who has the key could find out from the folder's path."""
        return hmac.digest(self.key, str(folder.resolve()).encode(), "sha256").hex()[:16]
