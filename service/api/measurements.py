"""What the queue knows, as Prometheus metrics; the workers' figures are in Redis, so one scrape has all."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from service.queue import QueueStatus
from service.worker_registry import WorkerStatus


class Measurements:
    """One moment's figures, in the shape of a Prometheus registry."""

    def __init__(self, status: QueueStatus, workers: list[WorkerStatus]) -> None:
        self._status = status
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        status = self._status
        yield GaugeMetricFamily("atypia_queue_depth", "Unfinished jobs", status.depth)
        yield GaugeMetricFamily("atypia_queued_bytes", "Bytes of unfinished uploads", status.queued_bytes)
        yield GaugeMetricFamily("atypia_jobs_in_hand", "Jobs that a worker has taken", status.running)
        yield GaugeMetricFamily(
            "atypia_dead_letters", "Jobs that stopped their worker too often", status.dead
        )
        yield GaugeMetricFamily("atypia_workers", "Live workers", len(self._workers))
        yield _counter("atypia_jobs", "Jobs ended, by state", ("state", "jobs"), status.counters)
        yield _counter(
            "atypia_job_failures", "Failed jobs, by problem", ("problem", "failures"), status.counters
        )
        yield _counter(
            "atypia_callbacks", "Callbacks ended, by outcome", ("outcome", "callbacks"), status.counters
        )
        yield _counter(
            "atypia_stage_ms", "Milliseconds spent, by stage", ("stage", "stage_ms"), status.counters
        )


def _counter(
    name: str, documentation: str, label_and_group: tuple[str, str], counters: Mapping[str, float]
) -> CounterMetricFamily:
    label, group = label_and_group
    family = CounterMetricFamily(name, documentation, labels=[label])
    for counter, value in sorted(counters.items()):
        found, _, member = counter.partition(":")
        if found == group:
            family.add_metric([member], value)
    return family
