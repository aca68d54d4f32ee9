"""The worker: takes jobs, keeps its lease on them while they run, and says how each one ended."""

import asyncio
import logging
import os
import socket
import time
from contextlib import suppress
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from service.audit_trail import AuditTrail, this_process, user
from service.errors import GoneError, StoreError
from service.failure_log import log_failure
from service.jobs import JobRequest, JobState
from service.keys import make_token
from service.pace import Pace
from service.problems import HTTP_STATUS, Problem, problem_of
from service.queue import Delivery, Queue
from service.settings import Settings
from service.task_end import end_tasks
from service.tracing import Tracing
from service.worker.models import Models
from service.worker.pipeline import JobRun, JobStoppedError, Pipeline
from service.worker_registry import BEAT_S, WorkerRegistry, WorkerStatus

logger = logging.getLogger(__name__)

PULSE_S = 0.25
TAKE_S = 1.0
STORE_PAUSE_S = 5.0


class Witnesses(NamedTuple):
    """Who is told what a worker does, beside the queue."""

    tracing: Tracing
    trail: AuditTrail


class Worker:
    """One process that runs jobs; `stop` lets it drain."""

    def __init__(
        self,
        queue: Queue,
        registry: WorkerRegistry,
        pipeline: Pipeline,
        *,
        models: Models,
        settings: Settings,
        witnesses: Witnesses,
    ) -> None:
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{make_token()[:8]}"
        self._queue = queue
        self._registry = registry
        self._pipeline = pipeline
        self._models = models
        self._settings = settings
        self._tracing, self._trail = witnesses
        self._stopping = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], Delivery] = {}
        self._recovered_at = self._paused_until = 0.0
        self._paces: dict[str, Pace] = {}

    def stop(self) -> None:
        """Take no more jobs; `run` returns when those in hand are finished or handed back."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`; the models are loaded and checked by now."""
        beating = asyncio.create_task(self._beat())
        logger.info("worker %s is ready on %s with %s", self.worker_id, self._models.device, self._names())
        try:
            with suppress(RedisError):
                await self._registry.tell_whole(socket.gethostname())
            while not self._stopping.is_set():
                await self._take_one()
            await self._drain()
        finally:
            await end_tasks(beating)
            with suppress(RedisError):
                await self._registry.withdraw(self.worker_id)
            logger.info("worker %s has stopped", self.worker_id)

    async def _take_one(self) -> None:
        if len(self._in_hand) >= self._settings.worker_jobs or time.monotonic() < self._paused_until:
            await self._until_stop_or(*self._in_hand)
            return
        try:
            deliveries = await self._recover() or await self._take()
        except RedisError as error:
            logger.warning("the queue does not answer: %s", error)
            await asyncio.sleep(TAKE_S)
            # A server that lost its data comes back without the group.
            with suppress(RedisError):
                await self._queue.open()
            return
        for delivery in deliveries:
            self._accept(delivery)

    async def _take(self) -> list[Delivery]:
        """Wait for a job, but no longer than until `stop`."""
        taking = asyncio.create_task(self._queue.take(self.worker_id, wait_s=TAKE_S))
        await self._until_stop_or(taking)
        return await taking

    async def _until_stop_or(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait for the first of the tasks to end, or for `stop`."""
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((*tasks, stopping), return_when=asyncio.FIRST_COMPLETED, timeout=TAKE_S)
        stopping.cancel()

    async def _recover(self) -> list[Delivery]:
        if time.monotonic() - self._recovered_at < min(BEAT_S, self._settings.lease_s / 2):
            return []
        found = await self._queue.recover(self.worker_id, lease_s=self._settings.lease_s, count=1)
        if not found:
            self._recovered_at = time.monotonic()
        for delivery in found:
            logger.warning("job %s was left by its worker; trying it again", delivery.job_id)
        return found

    def _accept(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._work(delivery))
        self._in_hand[task] = delivery
        task.add_done_callback(self._in_hand.pop)

    async def _work(self, delivery: Delivery) -> None:
        try:
            job = await self._queue.start(delivery)
            if job is None:
                return
            run = JobRun(job)
            pulsing = asyncio.create_task(self._pulse(delivery, run))
            try:
                await self._run_job(delivery, run)
            except StoreError as error:
                await self._wait_for_store(delivery, error)
            finally:
                # Whatever thread still works for this job stops at its next report.
                run.is_stopped = True
                await end_tasks(pulsing)
        except RedisError as error:
            # The message stays ours until the lease is over; then whoever is alive takes it up.
            logger.warning("job %s is left: the queue does not answer (%s)", delivery.job_id, error)

    async def _wait_for_store(self, delivery: Delivery, error: StoreError) -> None:
        """Nothing is wrong with the job: it is done when its result can be stored."""
        self._paused_until = time.monotonic() + STORE_PAUSE_S
        logger.error("job %s waits: %s", delivery.job_id, error)
        await self._queue.hand_back(delivery)

    async def _run_job(self, delivery: Delivery, run: JobRun) -> None:
        started = time.monotonic()
        request = run.job.request
        with self._tracing.span("waiting", parent=request.traceparent, since=run.job.created_at):
            pass
        with self._tracing.span("job", kind="consumer", parent=request.traceparent) as span:
            span.note(job_id=delivery.job_id, model=request.model, size_bytes=request.size_bytes)
            state, problem = await self._outcome(run)
            span.note(state=state or "stopped", **{f"{name}_ms": ms for name, ms in run.timings_ms.items()})
        if state == "done":
            self._note_pace(request, time.monotonic() - started)
        if state is None:
            logger.info("job %s was stopped", delivery.job_id)
            return
        counters = {f"stage_ms:{stage}": value for stage, value in run.timings_ms.items() if stage != "total"}
        if problem is not None:
            counters[f"failures:{problem.type.rsplit(':', 1)[-1]}"] = 1
        # Until it is done a job may be tried again, and then needs its upload as it was sent.
        is_spent = state == "done" and self._settings.keep_uploads != "as-sent"
        spent = request.upload_id if is_spent else ""
        is_finished = await self._queue.finish(
            delivery, state, error=problem, counters=counters, spent=spent, summary=run.summary
        )
        if is_finished:
            logger.info("job %s is %s", delivery.job_id, state)
            if state == "done":
                participants = [user(request.owner), this_process()]
                await self._trail.note_job("result made", request, participants)
            if is_spent:
                await self._remove(spent)

    async def _remove(self, upload_id: str) -> None:
        try:
            await self._pipeline.remove_upload(upload_id)
            await self._queue.forget_spent(upload_id)
        except (RedisError, StoreError) as error:
            logger.warning("an upload is removed later, by the sweeper: %s", type(error).__name__)

    async def _outcome(self, run: JobRun) -> tuple[JobState | None, Problem | None]:
        """Run a job and say how it ended; no state if it is not ours to end."""
        try:
            await self._pipeline.run(run)
        except JobStoppedError:
            return None, None
        except GoneError as error:
            return "expired", problem_of(error)
        except StoreError:
            raise
        except Exception as error:
            # One of the edges where every error becomes a problem.
            if not isinstance(error, tuple(HTTP_STATUS)):
                log_failure(error, where=f"job {run.job.job_id}")
            return "failed", problem_of(error)
        return "done", None

    def _note_pace(self, request: JobRequest, seconds: float) -> None:
        known = self._paces.get(request.model, Pace())
        self._paces[request.model] = known.after(request.size_bytes, seconds)

    async def _pulse(self, delivery: Delivery, run: JobRun) -> None:
        """Keep the lease and report progress until the job is over, or ours no longer."""
        while not run.is_stopped:
            await asyncio.sleep(min(PULSE_S, self._settings.lease_s / 4))
            with suppress(RedisError):
                run.is_stopped = not await self._queue.pulse(delivery, run.progress)

    async def _beat(self) -> None:
        counted: dict[str, float] = {}
        while True:
            counts = self._pipeline.batch_counts
            new = {name: count - counted.get(name, 0) for name, count in counts.items()}
            with suppress(RedisError):
                await self._registry.announce(self._status(), counters=new)
                counted = counts
            await asyncio.sleep(BEAT_S)

    async def _drain(self) -> None:
        """Give jobs in hand a while to finish, and hand the others back to the queue."""
        if not self._in_hand:
            return
        _done, late = await asyncio.wait(list(self._in_hand), timeout=self._settings.drain_s)
        for task in late:
            delivery = self._in_hand[task]
            with suppress(RedisError):
                if await self._queue.hand_back(delivery):
                    logger.info("job %s is handed back", delivery.job_id)
        await end_tasks(*late)

    def _status(self) -> WorkerStatus:
        return WorkerStatus(
            worker_id=self.worker_id,
            pid=os.getpid(),
            host=socket.gethostname(),
            device=self._models.device,
            models=self._models.digests,
            jobs=tuple(delivery.job_id for delivery in self._in_hand.values()),
            slots=self._settings.worker_jobs,
            pace=dict(self._paces),
        )

    def _names(self) -> str:
        return ", ".join(self._models.digests) or "no model"
