"""How long jobs took of late: for each model a line of seconds over bytes, in which the past fades.

Ordinary least squares over the five sums that define the line, each multiplied by a factor at every new job
(exponential forgetting). Sums of several workers add up to the line of all of them.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

_KEEP = 0.97  # after 23 jobs one weighs half


class Pace(NamedTuple):
    """Weighted sums over finished jobs: how many, their bytes and seconds, and the products of these."""

    jobs: float = 0.0
    size: float = 0.0
    seconds: float = 0.0
    size_size: float = 0.0
    size_seconds: float = 0.0

    def after(self, size_bytes: int, seconds: float) -> Self:
        """These sums with one more job."""
        added = (1.0, size_bytes, seconds, size_bytes**2, size_bytes * seconds)
        return self._replace(
            **{name: _KEEP * old + new for name, old, new in zip(self._fields, self, added, strict=True)}
        )

    def predict_s(self, size_bytes: int) -> float | None:
        """Seconds that a job of this size takes; None before the first one."""
        if self.jobs == 0:
            return None
        mean_size, mean_seconds = self.size / self.jobs, self.seconds / self.jobs
        spread = self.size_size - mean_size * self.size
        slope = (self.size_seconds - mean_size * self.seconds) / spread if spread > 1.0 else 0.0
        # More bytes never take less time; what says so is chance.
        return max(mean_seconds + max(slope, 0.0) * (size_bytes - mean_size), 0.1 * mean_seconds)


def sum_of(paces: Iterable[Pace]) -> Pace:
    """One line through the jobs of all."""
    columns = list(zip(*paces, strict=True))
    return Pace(*(sum(column) for column in columns)) if columns else Pace()


def paces_by_model(found: Iterable[Mapping[str, Iterable[float]]]) -> dict[str, Pace]:
    """What several workers say of their models, put together."""
    by_model: dict[str, list[Pace]] = {}
    for paces in found:
        for model, sums in paces.items():
            by_model.setdefault(model, []).append(Pace(*sums))
    return {model: sum_of(paces) for model, paces in by_model.items()}
