"""A series on its way through the node."""

from dataclasses import dataclass
from enum import StrEnum


class SeriesState(StrEnum):
    """How far a series is; each step may be done again after a kill without changing what comes out."""

    RECEIVED = "received"
    SUBMITTED = "submitted"
    FETCHED = "fetched"
    SENT = "sent"
    UNMATCHED = "unmatched"
    FAILED = "failed"


FINAL_STATES = (SeriesState.SENT, SeriesState.UNMATCHED, SeriesState.FAILED)


@dataclass(frozen=True)
class SeriesFacts:
    """What rules look at; empty where the header does not say."""

    modality: str
    body_part: str
    description: str


@dataclass(frozen=True)
class Series:
    """A series as the ledger has it.

    `key` names it in files and logs without telling a UID. `revision` counts what changed it: whoever worked
    on an older one has worked in vain.
    """

    key: str
    state: SeriesState
    revision: int
    attempts: int
    job_id: str | None
    facts: SeriesFacts
