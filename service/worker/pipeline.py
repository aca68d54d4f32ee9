"""The stages between a job and its stored result: decode, prepare, infer, finish, store.

Decoding processes do all but the graph; the batcher runs that for all jobs in hand.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain

from inference.predictor import Predictor
from inference.session import GraphOutput
from service.images import UploadAtHand, get_ready
from service.jobs import Job, JobRequest, JobSummary
from service.kept import KEPT
from service.kept_reconstruction import RECONSTRUCTED
from service.keys import PRIORITIES, result_key
from service.results import RESULT, summary_of
from service.sandbox import Sandbox
from service.settings import Settings
from service.store import Store
from service.tracing import Tracing
from service.worker.batcher import Batcher
from service.worker.models import Models
from service.worker.visits import Entered, Left, enter, forget, leave

# Where each stage ends on the way from 0 to 1.
PREPARED, INFERRED = 0.2, 0.9


class JobStoppedError(Exception):
    """The job was cancelled, or is somebody else's by now."""


@dataclass
class JobRun:
    """One job on its way through the stages; other threads read and write the two flags.

    `summary` is there once the result is.
    """

    job: Job
    progress: float = 0.0
    is_stopped: bool = False
    timings_ms: dict[str, float] = field(default_factory=dict)
    summary: JobSummary | None = None

    def reach(self, progress: float) -> None:
        """Note the progress.

        Raises:
            JobStoppedError: The job is not to be finished.
        """
        self.progress = progress
        if self.is_stopped:
            raise JobStoppedError


class Pipeline:
    """The stages of one worker; as many jobs may be in it at once as it has sandboxes."""

    def __init__(
        self,
        store: Store,
        models: Models,
        batcher: Batcher,
        *,
        sandboxes: list[Sandbox],
        settings: Settings,
        tracing: Tracing,
    ) -> None:
        self._store = store
        self._models = models
        self._batcher = batcher
        self._limits = settings.limits
        self._keeps_cleaned = settings.keep_uploads == "deidentified"
        self._tracing = tracing
        self._all_sandboxes = sandboxes
        self._sandboxes: asyncio.LifoQueue[Sandbox] = asyncio.LifoQueue()
        for sandbox in sandboxes:
            self._sandboxes.put_nowait(sandbox)

    @property
    def batch_counts(self) -> dict[str, float]:
        """How often a graph was run so far, and over how many slices, by the counters' names."""
        counts = self._batcher.counts
        return {"batch:runs": counts.batches, "batch:slices": counts.slices}

    async def warm(self) -> None:
        """Start the decoding processes, so that the first job need not wait for them."""
        await asyncio.gather(*(sandbox.call(get_ready) for sandbox in self._all_sandboxes))

    async def run(self, run: JobRun) -> None:
        """Take a job through all stages.

        Raises:
            JobStoppedError: It was stopped on the way.
            ImagingError, InferenceError, ServiceError: It cannot be scored, and why.
        """
        predictor = self._models.get(run.job.request.bundle_digest)
        async with self._sandbox() as sandbox, self._upload(run.job.request) as upload:
            with self._batcher.expecting(), self._tracing.span("decode and prepare"):
                entered = await self._enter(run, predictor, sandbox, upload)
            with self._tracing.span("infer") as span:
                span.note(slices=len(entered.slices))
                output = await self._infer(run, predictor, entered)
            with self._tracing.span("finish and store"):
                left = await self._leave(run, predictor, sandbox, upload, output)
                await self._store_result(run, predictor, left)

    async def _enter(
        self, run: JobRun, predictor: Predictor, sandbox: Sandbox, upload: UploadAtHand
    ) -> Entered:
        entered = await sandbox.call(enter, upload, predictor.bundle, run.job.request.scope)
        run.timings_ms |= entered.timings.ms
        run.reach(PREPARED)
        return entered

    async def _infer(self, run: JobRun, predictor: Predictor, entered: Entered) -> GraphOutput:
        def report(share: float) -> None:
            run.reach(PREPARED + share * (INFERRED - PREPARED))

        start = time.perf_counter()
        priority = PRIORITIES.index(run.job.request.priority)
        output = await self._batcher.run(
            predictor.session, entered.slices, priority=priority, progress=report, shown=entered.shown
        )
        run.timings_ms["infer"] = round(1000 * (time.perf_counter() - start), 3)
        return output

    async def _leave(
        self, run: JobRun, predictor: Predictor, sandbox: Sandbox, upload: UploadAtHand, output: GraphOutput
    ) -> Left:
        """Make the result, and store what is kept beside its JSON."""
        job, scratch = run.job, self._store.scratch
        with ExitStack() as files:
            kept = {
                result_key(job.job_id, job.attempt, name): files.enter_context(scratch())
                for name in (KEPT, RECONSTRUCTED)
            }
            if self._keeps_cleaned:
                for key in chain.from_iterable(job.request.cleaned_keys.values()):
                    kept[key] = files.enter_context(scratch())
            about = (predictor.bundle, output, job.job_id, upload)
            left: Left = await sandbox.call(leave, *about, into=list(kept.values()))
            run.reach(INFERRED)
            for key, path in kept.items():
                if path.stat().st_size:
                    await self._store.put_file(key, path)
        return left

    async def _store_result(self, run: JobRun, predictor: Predictor, left: Left) -> None:
        """Store the JSON last: with it the result is whole."""
        job = run.job
        run.timings_ms |= left.timings.ms
        run.timings_ms["total"] = round(sum(run.timings_ms.values()), 3)
        run.reach(INFERRED)
        view = left.view.model_copy(update={"timings_ms": run.timings_ms, "variant": predictor.variant})
        await self._store.put(result_key(job.job_id, job.attempt, RESULT), view.model_dump_json().encode())
        run.summary = summary_of(view)

    async def remove_upload(self, upload_id: str) -> None:
        """Remove an upload as it was sent.

        Raises:
            StoreUnreachableError: The store does not answer.
        """
        await self._store.delete(f"inputs/{upload_id}")

    @asynccontextmanager
    async def _upload(self, request: JobRequest) -> AsyncIterator[UploadAtHand]:
        async with self._store.at_hand(request.keys) as root:
            yield UploadAtHand(root, request.keys, self._limits, request.seal_key)

    @asynccontextmanager
    async def _sandbox(self) -> AsyncIterator[Sandbox]:
        """A decoding process for one job alone, which has let go of its image when the job is over."""
        sandbox = await self._sandboxes.get()
        try:
            yield sandbox
        except JobStoppedError:
            await sandbox.call(forget)
            raise
        finally:
            self._sandboxes.put_nowait(sandbox)

    def close(self) -> None:
        for sandbox in self._all_sandboxes:
            sandbox.close()
