"""A job's two visits to a decoding process: in with its upload, out with its result.

Between them the decoded image stays there, so that the worker itself never holds more of a study than what
the network sees. A process has one visitor at a time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from imaging.image import Image
from imaging.limits import Limits
from inference.bundle import Bundle
from inference.scoring import PreparedImage, finish, prepare
from inference.session import GraphOutput
from service.images import Keys, decode_upload
from service.kept import Drawing
from service.results import ResultView

_visitor: dict[str, tuple[Image, PreparedImage]] = {}


@dataclass
class Timings:
    """Milliseconds by stage."""

    ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.ms[stage] = round(1000 * (time.perf_counter() - start), 3)


@dataclass(frozen=True)
class Entered:
    slices: np.ndarray  # (D, C, h, w) float32
    timings: Timings


@dataclass(frozen=True)
class Left:
    view: ResultView
    drawing: bytes
    timings: Timings


def enter(
    root: Path, keys: Keys, limits: Limits, bundle: Bundle, scope: Literal["enforce", "warn"]
) -> Entered:
    """Decode an upload and prepare it for the graph.

    Raises:
        GoneError: It was removed meanwhile.
        ImagingError: It cannot be decoded.
        OutOfScopeError: The bundle is not for it.
    """
    forget()
    timings = Timings()
    with timings.timed("decode"):
        image = decode_upload(root, keys, limits)
    with timings.timed("prepare"):
        prepared = prepare(bundle, image, scope=scope)
        slices = prepared.batch
    _visitor["image"] = image, prepared
    return Entered(slices, timings)


def leave(bundle: Bundle, output: GraphOutput, job_id: str, file: BinaryIO) -> Left:
    """Make the result of what the graph said; the map goes into the file."""
    timings = Timings()
    image, prepared = _visitor["image"]
    with timings.timed("finish"):
        result = finish(bundle, image, prepared, output)
        view = ResultView.of(job_id, bundle, image, result)
    with timings.timed("render"):
        drawing = Drawing.of(image, result).to_bytes()
        np.save(file, result.anomaly_map)
    forget()
    return Left(view, drawing, timings)


def forget() -> None:
    """Let go of the image."""
    _visitor.clear()
