"""Images sent to a running service, some at a time, and what became of each."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from imaging.contrast_files import contrast_files
from imaging.errors import ImagingError
from imaging.image_files import ImageFiles, find_folders, find_images, stem_of
from service.client import (
    FORMS,
    AsyncClient,
    Files,
    GoneError,
    JobFailedError,
    JobInfo,
    Problem,
    UnsuitableImageError,
    WaitTimeoutError,
)
from service.deidentified_copies import Copier

# So many are on their way at once: while one is received another is scored.
_AT_ONCE = 8


@dataclass(frozen=True)
class Submission:
    """How images are sent, which forms of their results are written to which folder.

    `timeout_s` is the wait for each, 0 for none. With a `copier`, de-identified copies are sent.
    """

    options: Mapping[str, str | None]
    timeout_s: float
    folder: Path
    forms: Sequence[str] = ()
    copier: Copier | None = None


@dataclass(frozen=True)
class Outcome:
    """One image. Without an error it is scored, or accepted if nobody waits for it."""

    path: Path
    files: int
    job: JobInfo | None = None
    result: Mapping[str, Any] | None = None
    error: Problem | None = None
    written: Sequence[Path] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "files": self.files,
            "job_id": self.job.job_id if self.job else None,
            "state": self.job.state if self.job else None,
            "result": self.result,
            "error": self.error.to_json() if self.error else None,
            "written": [str(path) for path in self.written],
        }


async def contrasts_of(client: AsyncClient, model: str | None) -> tuple[str, ...]:
    """The contrasts that an image for the named model has; none where an image is one picture."""
    for found in await client.models() if model is not None else ():
        if model in (found["name"], found["model"]):
            return tuple(found["contrasts"]) if len(found["contrasts"]) > 1 else ()
    return ()


def images_of(paths: Sequence[Path], contrasts: Sequence[str]) -> list[ImageFiles]:
    """As `atypia score` finds them.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    return find_folders(paths) if contrasts else find_images(paths)


async def submitted(
    client: AsyncClient, images: Sequence[ImageFiles], contrasts: Sequence[str], submission: Submission
) -> AsyncIterator[Outcome]:
    """Each as soon as it is known.

    Raises:
        ClientError: What concerns all of them: nobody answers, the key is wrong, there is no such model.
    """
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int, image: ImageFiles) -> Outcome:
        async with turn:
            return await _outcome(client, image, contrasts, submission, f"{number:06d}")

    tasks = [asyncio.create_task(one(number, image)) for number, image in enumerate(images)]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(
    client: AsyncClient, image: ImageFiles, contrasts: Sequence[str], submission: Submission, number: str
) -> Outcome:
    found = Outcome(image.path, len(image.files))
    try:
        files = contrast_files(image.path, contrasts) if contrasts else image.files
        async with _as_sent(files, submission.copier) as sent:
            found = replace(found, job=await client.submit(sent, **submission.options))
        return await _ended(client, found, submission, number)
    except (UnsuitableImageError, JobFailedError, GoneError) as error:
        return replace(found, error=error.problem)
    except (ImagingError, OSError, WaitTimeoutError) as error:
        return replace(found, error=Problem("about:blank", type(error).__name__, 0, str(error)))


@asynccontextmanager
async def _as_sent(
    files: Sequence[Path] | Mapping[str, Sequence[Path]], copier: Copier | None
) -> AsyncIterator[Files]:
    """The files, or copies of them that are gone when they are sent."""
    if copier is None:
        yield files
        return
    with TemporaryDirectory(prefix="atypia-submit-") as name:
        folder = Path(name)
        if isinstance(files, Mapping):
            yield {
                contrast: await asyncio.to_thread(copier.copies, part, folder)
                for contrast, part in files.items()
            }
        else:
            yield await asyncio.to_thread(copier.copies, files, folder)


async def _ended(client: AsyncClient, sent: Outcome, submission: Submission, number: str) -> Outcome:
    if sent.job is None or submission.timeout_s <= 0:
        return sent
    job = await client.wait(sent.job.job_id, submission.timeout_s)
    if not job.is_done:
        return replace(sent, job=job, error=job.problem)
    result = await client.result(job.job_id)
    stem = f"{number}-{stem_of(sent.path)}"
    written = [
        await client.fetch(job.job_id, form, submission.folder / f"{stem}.{Path(FORMS[form]).name}")
        for form in submission.forms
    ]
    return replace(sent, job=job, result=result, written=written)
