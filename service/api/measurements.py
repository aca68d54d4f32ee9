"""What the queue knows, as Prometheus metrics; the workers' figures are in Redis, so one scrape has all."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from service.queue import QueueStatus
from service.worker_registry import WorkerStatus

# By the group that the names in Redis begin with: the metric, what it counts, and the label of the rest.
_LABELLED = {
    "jobs": ("atypia_jobs", "Jobs ended, by state", "state"),
    "failures": ("atypia_job_failures", "Failed jobs, by problem", "problem"),
    "stage_ms": ("atypia_stage_ms", "Milliseconds spent, by stage", "stage"),
    "retrievals": ("atypia_retrievals", "Series asked for by reference that ended, by outcome", "outcome"),
    "deliveries": ("atypia_deliveries", "Results owed to DICOMweb servers that ended, by outcome", "outcome"),
    "audit": ("atypia_audit_messages", "Audit messages that ended, by outcome", "outcome"),
    "callbacks": ("atypia_callbacks", "Callbacks ended, by outcome", "outcome"),
}
_PLAIN = {
    "batch:runs": ("atypia_batch_runs", "Times that a graph was run"),
    "batch:slices": ("atypia_batch_slices", "Slices that went through a graph"),
}


class Measurements:
    """One moment's figures, in the shape of a Prometheus registry."""

    def __init__(
        self,
        status: QueueStatus,
        workers: list[WorkerStatus],
        *,
        seconds_queued: float | None,
        free_bytes: int,
        audit_owed: int,
    ) -> None:
        """
        Args:
            seconds_queued: None where nobody knows; the metric then has no value.
        """
        self._status = status
        self._workers = workers
        self._seconds_queued = seconds_queued
        self._free_bytes = free_bytes
        self._audit_owed = audit_owed

    def collect(self) -> Iterator[Metric]:
        status, slots = self._status, sum(worker.slots for worker in self._workers)
        depth = GaugeMetricFamily("atypia_queue_depth", "Unfinished jobs, by priority", labels=["priority"])
        for priority, jobs in status.depths.items():
            depth.add_metric([priority], jobs)
        yield depth
        yield GaugeMetricFamily("atypia_queued_bytes", "Bytes of unfinished uploads", status.queued_bytes)
        yield GaugeMetricFamily(
            "atypia_queued_seconds", "Time that the unfinished jobs will take", self._seconds_queued
        )
        yield GaugeMetricFamily("atypia_jobs_in_hand", "Jobs that a worker has taken", status.running)
        yield GaugeMetricFamily(
            "atypia_dead_letters", "Jobs that stopped their worker too often", status.dead
        )
        yield GaugeMetricFamily("atypia_workers", "Live workers", len(self._workers))
        yield GaugeMetricFamily("atypia_worker_slots", "Jobs that all workers take at once", slots)
        yield GaugeMetricFamily("atypia_store_free_bytes", "Free disk space of the store", self._free_bytes)
        yield GaugeMetricFamily(
            "atypia_audit_messages_owed", "Audit messages that the repository has not got", self._audit_owed
        )
        for group, (name, text, label) in _LABELLED.items():
            yield _labelled(group, CounterMetricFamily(name, text, labels=[label]), status.counters)
        for counter, (name, text) in _PLAIN.items():
            yield CounterMetricFamily(name, text, status.counters.get(counter, 0.0))


def _labelled(group: str, family: CounterMetricFamily, counters: Mapping[str, float]) -> Metric:
    """Every counter `group:member` under its member."""
    for counter, value in sorted(counters.items()):
        found, _, member = counter.partition(":")
        if found == group:
            family.add_metric([member], value)
    return family
