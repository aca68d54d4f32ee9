"""How a service is, by what its queue and its workers say: for `atypia status` and for `GET /status`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import BaseModel

from service.jobs import Job
from service.keys import Priority
from service.queue import Queue, QueueStatus
from service.worker_registry import WorkerRegistry, WorkerStatus

_MINUTE = timedelta(seconds=60)
_MOST_A_MINUTE = 10_000


class WorkerView(BaseModel):
    """A live worker; `slots` are the jobs that it has in hand at most."""

    worker_id: str
    pid: int
    host: str
    device: str
    models: dict[str, str]
    jobs: list[str]
    slots: int

    @classmethod
    def of(cls, worker: WorkerStatus) -> Self:
        return cls.model_validate({name: getattr(worker, name) for name in cls.model_fields})


class ServiceStatus(BaseModel):
    """What waits, who works, and what was done since the queue was made; `stage_ms` are of all jobs."""

    workers: list[WorkerView]
    queue_depth: int
    queue_depths: dict[Priority, int]
    running: int
    queued_bytes: int
    dead_letters: int
    ended_last_minute: dict[str, int]
    ended_ever: dict[str, int]
    failures: dict[str, int]
    stage_ms: dict[str, float]
    slices: int
    batches: int

    @classmethod
    def of(cls, queue: QueueStatus, workers: list[WorkerStatus], ended: list[Job]) -> Self:
        counters = queue.counters
        return cls(
            workers=[WorkerView.of(worker) for worker in workers],
            queue_depth=queue.depth,
            queue_depths=dict(queue.depths),
            running=queue.running,
            queued_bytes=queue.queued_bytes,
            dead_letters=queue.dead,
            ended_last_minute={
                state: sum(job.state == state for job in ended) for state in ("done", "failed", "cancelled")
            },
            ended_ever=_counts(counters, "jobs"),
            failures=_counts(counters, "failures"),
            stage_ms=_group(counters, "stage_ms"),
            slices=int(counters.get("batch:slices", 0)),
            batches=int(counters.get("batch:runs", 0)),
        )


async def gather_status(queue: Queue, registry: WorkerRegistry) -> ServiceStatus:
    since = datetime.now(UTC) - _MINUTE
    recent = await queue.recent(_MOST_A_MINUTE)
    ended = [job for job in recent if job.finished_at and job.finished_at > since]
    return ServiceStatus.of(await queue.status(), await registry.alive(), ended)


def _counts(counters: Mapping[str, float], group: str) -> dict[str, int]:
    return {name: int(value) for name, value in _group(counters, group).items()}


def _group(counters: Mapping[str, float], group: str) -> dict[str, float]:
    """Every counter `group:member` by its member."""
    start = f"{group}:"
    return {
        name.removeprefix(start): value for name, value in sorted(counters.items()) if name.startswith(start)
    }
