"""The stages between a job and its stored result: decode, prepare, infer, finish, store.

Each stage takes what the one before gave and nothing else, so that slices of several jobs can be batched in
the middle without touching the rest.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from imaging.image import Image
from imaging.limits import Limits
from imaging.nifti import write_nifti
from imaging.overlay import render_overlay
from inference.predictor import ImageResult, Predictor, PreparedImage
from inference.session import GraphOutput
from service.images import decode_upload, get_ready
from service.jobs import Job
from service.keys import result_key
from service.results import ANOMALY_MAP, OVERLAY, RESULT, ResultView, full_colour_of
from service.sandbox import Sandbox
from service.store import Store
from service.worker.inference import Models

# Where each stage ends on the way from 0 to 1.
DECODED, PREPARED, INFERRED = 0.1, 0.2, 0.9


class JobStoppedError(Exception):
    """The job was cancelled, or is somebody else's by now."""


@dataclass
class JobRun:
    """One job on its way through the stages; other threads read and write the two flags."""

    job: Job
    progress: float = 0.0
    is_stopped: bool = False
    timings_ms: dict[str, float] = field(default_factory=dict)

    def reach(self, progress: float) -> None:
        """Note the progress.

        Raises:
            JobStoppedError: The job is not to be finished.
        """
        self.progress = progress
        if self.is_stopped:
            raise JobStoppedError

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.timings_ms[stage] = round(1000 * (time.perf_counter() - start), 3)


class Pipeline:
    """The stages of one worker; several jobs may be in it at once."""

    def __init__(self, store: Store, models: Models, *, sandboxes: list[Sandbox], limits: Limits) -> None:
        self._store = store
        self._models = models
        self._limits = limits
        self._all_sandboxes = sandboxes
        self._sandboxes: asyncio.Queue[Sandbox] = asyncio.Queue()
        for sandbox in sandboxes:
            self._sandboxes.put_nowait(sandbox)
        self._batch_runs = self._batch_slices = 0

    @property
    def batch_counts(self) -> dict[str, float]:
        """How often a graph was run so far, and over how many slices, by the counters' names."""
        return {"batch:runs": self._batch_runs, "batch:slices": self._batch_slices}

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
        image = await self.decode(run)
        prepared = await self.prepare(run, predictor, image)
        output = await self.infer(run, predictor, prepared)
        result = await self.finish(run, predictor, image, prepared, output)
        await self.store(run, predictor, image, result)

    async def decode(self, run: JobRun) -> Image:
        keys = run.job.request.keys
        sandbox = await self._sandboxes.get()
        try:
            with run.timed("decode"):
                image = await sandbox.call(decode_upload, self._store.root, keys, self._limits)
        finally:
            self._sandboxes.put_nowait(sandbox)
        run.reach(DECODED)
        return image

    async def prepare(self, run: JobRun, predictor: Predictor, image: Image) -> PreparedImage:
        def report(share: float) -> None:
            run.reach(DECODED + share * (PREPARED - DECODED))

        with run.timed("prepare"):
            return await asyncio.to_thread(
                predictor.prepare, image, scope=run.job.request.scope, progress=report
            )

    async def infer(self, run: JobRun, predictor: Predictor, prepared: PreparedImage) -> GraphOutput:
        def report(share: float) -> None:
            self._batch_runs += 1
            run.reach(PREPARED + share * (INFERRED - PREPARED))

        with run.timed("infer"):
            output = await self._models.run(predictor, prepared, report)
        self._batch_slices += len(output.score)
        return output

    async def finish(
        self, run: JobRun, predictor: Predictor, image: Image, prepared: PreparedImage, output: GraphOutput
    ) -> ImageResult:
        with run.timed("finish"):
            result = await asyncio.to_thread(predictor.finish, image, prepared, output)
        run.reach(INFERRED)
        return result

    async def store(self, run: JobRun, predictor: Predictor, image: Image, result: ImageResult) -> None:
        """Store the map and the overlay, and the JSON last."""
        with run.timed("render"):
            anomaly_map = await asyncio.to_thread(write_nifti, result.anomaly_map, image)
            overlay = await asyncio.to_thread(_draw, image, result)
        await self._put(run, ANOMALY_MAP, anomaly_map)
        await self._put(run, OVERLAY, overlay)
        run.timings_ms["total"] = round(sum(run.timings_ms.values()), 3)
        view = ResultView.of(run.job, predictor.bundle, image, result, timings_ms=run.timings_ms)
        await self._put(run, RESULT, view.model_dump_json().encode())

    async def _put(self, run: JobRun, name: str, content: bytes) -> None:
        run.reach(run.progress)
        await self._store.put(result_key(run.job.job_id, run.job.attempt, name), content)

    def close(self) -> None:
        for sandbox in self._all_sandboxes:
            sandbox.close()


def _draw(image: Image, result: ImageResult) -> bytes:
    full_colour = full_colour_of(result.map_threshold, peak=float(result.anomaly_map.max()))
    worst = max(range(len(result.slice_scores)), key=result.slice_scores.__getitem__)
    return render_overlay(image, result.anomaly_map, limit=full_colour, slice_index=worst)
