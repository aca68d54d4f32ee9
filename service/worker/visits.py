"""A job's two visits to a decoding process: in with its upload, out with its result.

Between them the decoded image stays there, so that the worker itself never holds more of a study than what
the network sees. A process has one visitor at a time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

import numpy as np

from imaging.image import Image
from imaging.overlay import GreyPicture, grey_picture
from inference.bundle import Bundle
from inference.scoring import PreparedImage, finish, prepare
from inference.session import GraphOutput
from service.cleaned import clean_upload
from service.images import UploadAtHand, decode_upload
from service.kept import Drawing, Kept, seal_source
from service.kept_reconstruction import write_reconstruction
from service.results import ResultView
from service.sandbox import do_later


@dataclass
class _Visitor:
    image: Image
    prepared: PreparedImage
    picture: GreyPicture | None = (
        None  # of the slice that will be shown, where that is known before the score
    )


_visitors: list[_Visitor] = []


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
    shown: int  # the channel to look at
    timings: Timings


@dataclass(frozen=True)
class Left:
    view: ResultView
    timings: Timings


def enter(upload: UploadAtHand, bundle: Bundle, scope: Literal["enforce", "warn"]) -> Entered:
    """Decode an upload and prepare it for the graph.

    Raises:
        GoneError: It was removed meanwhile.
        ImagingError: It cannot be decoded.
        OutOfScopeError: The bundle is not for it.
    """
    forget()
    timings = Timings()
    with timings.timed("decode"):
        image = decode_upload(upload.root, upload.keys, upload.limits)
    with timings.timed("prepare"):
        prepared = prepare(bundle, image, scope=scope)
        slices = prepared.batch
    _visitors.append(_Visitor(image, prepared))
    if len(slices) == 1:
        do_later(_draw_ahead)
    return Entered(slices, prepared.shown, timings)


def leave(bundle: Bundle, output: GraphOutput, job_id: str, upload: UploadAtHand, *files: BinaryIO) -> Left:
    """Make the result of what the graph said; what is kept beside it goes into the files.

    Args:
        files: One for what all forms are made of; one for what the network saw and made of it, which stays
            empty where it makes nothing; for each contrast one that gets its de-identified upload, none where
            it is not to be kept so.
    """
    kept, reconstruction, *cleaned = files
    timings = Timings()
    visitor = _visitors[0]
    image = visitor.image
    with timings.timed("finish"):
        result = finish(bundle, image, visitor.prepared, output)
        view = ResultView.of(job_id, bundle, image, result)
    with timings.timed("render"):
        drawing = Drawing.of(image, result, picture=visitor.picture)
        source = seal_source(image.source.dicom, upload.seal_key)
    forget()
    del visitor, image
    with timings.timed("deidentify"):
        report = clean_upload(upload, cleaned) if cleaned else b""
    with timings.timed("keep"):
        Kept(result.map_planes, drawing, source, report).write(kept)
        if result.reconstruction is not None:
            write_reconstruction(result.reconstruction, reconstruction)
    return Left(view, timings)


def forget() -> None:
    """Let go of the image."""
    _visitors.clear()


def _draw_ahead() -> None:
    """While the graph runs elsewhere, and this process would wait for it."""
    _visitors[0].picture = grey_picture(_visitors[0].image, 0)
