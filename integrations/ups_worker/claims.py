"""The workitems that are ours: a file for each, written before it is claimed, so that a crash loses none.

Source: PS3.4 CC.2.1.2, note 1: whoever forgets the Transaction UID has lost control of the workitem.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

ClaimState = Literal["claiming", "claimed", "ending"]


@dataclass(frozen=True)
class Claim:
    """`final` is the state that the workitem is to end in, and `update` what is told of it before."""

    workitem_uid: str
    transaction_uid: str
    study_uid: str
    series_uid: str
    started_at: str
    state: ClaimState = "claiming"
    retrieval_id: str | None = None
    progress: int = 0
    final: Literal["COMPLETED", "CANCELED"] | None = None
    update: dict[str, Any] | None = None

    def changed(self, **changes: Any) -> Self:
        return replace(self, **changes)


class Claims:
    """The files of one folder, which no two workers share."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def __iter__(self) -> Iterator[Claim]:
        for path in sorted(self._folder.glob("*.json")):
            yield Claim(**json.loads(path.read_text()))

    def keep(self, claim: Claim) -> None:
        """Write it down; after this it outlives a power cut."""
        path = self._path(claim)
        partial = path.with_suffix(".part")
        with partial.open("w") as file:
            json.dump(asdict(claim), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def forget(self, claim: Claim) -> None:
        self._path(claim).unlink(missing_ok=True)

    def _path(self, claim: Claim) -> Path:
        return self._folder / f"{claim.workitem_uid}.json"
