"""The watch: images that have come to rest are scored, and their results put beside, each once."""

import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from integrations.watch_folder.results import Results
from integrations.watch_folder.settings import WatchSettings
from integrations.watch_folder.sources import Source, Sources
from service.client import (
    FORMS,
    Client,
    ClientError,
    ConflictError,
    JobFailedError,
    JobInfo,
    NoSuchFormError,
    NotFoundError,
    UnsuitableImageError,
    WaitTimeoutError,
)

log = logging.getLogger(__name__)

_WAIT_S = 5.0
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True)
class Watch:
    settings: WatchSettings
    client: Client
    sources: Sources
    results: Results
    stopped: threading.Event

    def run(self) -> None:
        """Look and score until it is stopped or, for once, until all that lies there has its outcome."""
        rounds = _Rounds(self)
        with ThreadPoolExecutor(self.settings.at_once) as pool:
            while not self.stopped.is_set():
                left = rounds.take_due(pool)
                if self.settings.once and not left:
                    return
                self.stopped.wait(self.settings.poll_s)

    def score(self, source: Source) -> None:
        """From the files to the folder of results; wherever it is interrupted, it can be done again.

        Raises:
            ClientError: Only time can mend it.
        """
        try:
            job = self._ended(self.client.submit(source.files, **self.settings.options))
            if not job.is_final:
                return  # stopped: at the next start it is the same job
            if job.problem is not None:
                raise JobFailedError(job.problem)
            with self.results.replaced(source, {"state": "done", "job_id": job.job_id}) as folder:
                for form in self.settings.forms:
                    _fetch(self.client, job, form, folder)
        except (UnsuitableImageError, JobFailedError, ConflictError) as error:
            self.results.put_error(source, error.problem.to_json())
            log.info("image %s has no result: %s", source.key, error.problem.title)
        else:
            log.info("image %s is scored", source.key)

    def put_away(self, source: Source) -> None:
        """Move what has its outcome, if that is asked for."""
        if self.settings.move_to is None:
            return
        for file in source.files:
            target = self.settings.move_to / file.relative_to(self.settings.watched)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)

    def _ended(self, job: JobInfo) -> JobInfo:
        while not job.is_final and not self.stopped.is_set():
            try:
                job = self.client.wait(job.job_id, _WAIT_S)
            except WaitTimeoutError:
                continue
        return job


class _Rounds:
    """What is in hand, and what waits for a better time."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._in_hand: set[Path] = set()
        self._later: dict[Path, tuple[int, float]] = {}

    def take_due(self, pool: ThreadPoolExecutor) -> int:
        """Begin with what has come to rest and has no outcome; how many have none yet."""
        now = time.monotonic()
        quiet, moving = self._watch.sources.look(now)
        left = len(moving)
        for source in quiet:
            if source.name in self._in_hand:
                left += 1
            elif self._watch.results.has(source):
                self._watch.put_away(source)
            else:
                left += 1
                if now >= self._later.get(source.name, (0, 0.0))[1]:
                    self._in_hand.add(source.name)
                    pool.submit(self._take, source)
        return left

    def _take(self, source: Source) -> None:
        try:
            if not self._watch.stopped.is_set():
                self._watch.score(source)
            self._later.pop(source.name, None)
        except (ClientError, OSError) as error:
            # The text of an OSError has the file's name in it.
            self._postpone(source, str(error) if isinstance(error, ClientError) else type(error).__name__)
        except Exception:
            # The edge of an image: one that nobody foresaw must not end the others.
            log.exception("image %s failed unexpectedly and will be tried again", source.key)
            self._postpone(source, "unexpected")
        finally:
            self._in_hand.discard(source.name)

    def _postpone(self, source: Source, why: str) -> None:
        tries = self._later.get(source.name, (0, 0.0))[0] + 1
        pause_s = min(2.0**tries, _LONGEST_PAUSE_S)
        self._later[source.name] = (tries, time.monotonic() + pause_s)
        log.warning("image %s: %s; again in %.0f s", source.key, why, pause_s)


def _fetch(client: Client, job: JobInfo, form: str, folder: Path) -> None:
    """One that the image rules out, such as DICOM objects of a PNG, is left out."""
    try:
        client.fetch(job.job_id, form, folder / Path(FORMS[form]).name)
    except (NoSuchFormError, NotFoundError, ConflictError, UnsuitableImageError):
        client.result(job.job_id)  # it raises where it is the job that is not there
