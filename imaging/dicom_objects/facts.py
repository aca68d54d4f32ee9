"""What is said of a scored image in its result objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Decision:
    """The score at one operating point; `threshold` and `flagged` are None where it has no threshold."""

    operating_point: str
    false_alarm_rate: float  # above 0, below 1
    threshold: float | None
    flagged: bool | None


@dataclass(frozen=True)
class ResultFacts:
    """The result of one job. Its `job_id` alone decides on the UIDs, `created_at` on every date.

    `full_colour` is the map's value that displays brightest; above 0.
    """

    job_id: str
    created_at: datetime
    model: str
    model_version: str
    bundle_digest: str  # sha256, hexadecimal
    intended_use: str
    score: float
    percentile: float  # 0 to 100
    p_value: float
    decisions: tuple[Decision, ...]
    map_threshold: float
    full_colour: float


class Finding(Protocol):
    """A region above the map's threshold: indices are `(column, row, slice)`, boxes are inclusive."""

    @property
    def box_voxels(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]: ...
    @property
    def centroid_voxels(self) -> Triple: ...
    @property
    def size_voxels(self) -> int: ...
    @property
    def size_mm(self) -> float | None: ...
    @property
    def peak(self) -> float: ...
    @property
    def mean(self) -> float: ...
