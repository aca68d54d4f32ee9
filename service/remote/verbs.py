"""What a client can do, written once for both kinds: each verb is a flow that somebody else carries out."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from service.remote.asking import ask, json_of
from service.remote.errors import BusyError, UnexpectedAnswerError, UnreachableError, WaitTimeoutError
from service.remote.exchange import Answer, Exchange, Flow, Pause
from service.remote.following import Follower
from service.remote.job import JobInfo
from service.remote.reference import ReferenceBody, RetrievalInfo, SeriesReference
from service.remote.upload_body import UploadBody

# Where each form of a result is, below the job. A new form of the service is one line here.
FORMS = {
    "json": "result.json",
    "overlay": "result/overlay.png",
    "map": "result/anomaly_map.nii.gz",
    "zip": "result.zip",
    "fhir": "result/fhir.json",
    # Of images that came as DICOM.
    "sc": "result/sc.dcm",
    "sr": "result/sr.dcm",
    "seg": "result/seg.dcm",
    "pm": "result/pm.dcm",
}

_POLL_S = 1.0


class Verbs:
    def __init__(self, *, patience_s: float) -> None:
        """`patience_s` is as in `ask`."""
        self._patience_s = patience_s

    def submit(self, body: UploadBody, options: Mapping[str, str | None]) -> Flow[JobInfo]:
        """May be repeated after a dropped connection: the same image, model and scope are the same job."""
        params = {name: value for name, value in options.items() if value is not None}
        return _job_of((yield from self._ask(Exchange("POST", "/score", params=params, body=body))))

    def refer(self, series: SeriesReference, options: Mapping[str, str | None]) -> Flow[RetrievalInfo]:
        """May be repeated: the same reference is the same retrieval while it is under way."""
        body = ReferenceBody({**asdict(series), **options})
        return _retrieval_of((yield from self._ask(Exchange("POST", "/score", body=body))))

    def retrieval(self, retrieval_id: str) -> Flow[RetrievalInfo]:
        path = f"/retrievals/{quote(retrieval_id, safe='')}"
        return _retrieval_of((yield from self._ask(Exchange("GET", path))))

    def job(self, job_id: str) -> Flow[JobInfo]:
        return _job_of((yield from self._ask(Exchange("GET", _path_of(job_id)))))

    def wait(self, job_id: str, timeout_s: float) -> Flow[JobInfo]:
        """By events as long as streams bring any; where a proxy keeps them back, by asking."""
        deadline = time.monotonic() + timeout_s
        follower, has_events = Follower(_path_of(job_id), deadline=deadline), True
        while True:
            has_events = has_events and (yield from follower.follow())
            if follower.job is not None and follower.job.is_final:
                return follower.job
            is_late = time.monotonic() >= deadline
            try:
                job = yield from self.job(job_id)
            except (UnreachableError, BusyError):
                # A service that is started again knows the job.
                if is_late:
                    raise
                continue
            if job.is_final:
                return job
            if is_late:
                raise WaitTimeoutError(f"job {job_id} is {job.state} after {timeout_s:g} s; it goes on")
            if not has_events:
                yield Pause(min(_POLL_S, max(deadline - time.monotonic(), 0)))

    def result(self, job_id: str) -> Flow[dict[str, Any]]:
        answer = yield from self._ask(Exchange("GET", f"{_path_of(job_id)}/{FORMS['json']}"))
        found: dict[str, Any] = json_of(answer)
        return found

    def fetch(self, job_id: str, form: str, path: Path) -> Flow[Path]:
        """The file is there whole, or not at all."""
        if form not in FORMS:
            raise ValueError(f"unknown form {form!r}; a result comes as {', '.join(FORMS)}")
        partial = path.with_name(f".{path.name}.part")
        try:
            with partial.open("wb") as file:
                source = f"{_path_of(job_id)}/{FORMS[form]}"
                yield from self._ask(Exchange("GET", source, sink=_FileSink(file)))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def cancel(self, job_id: str) -> Flow[JobInfo]:
        """A finished job is left as it is, for the same request would remove it."""
        job = yield from self.job(job_id)
        if job.is_final:
            return job
        answer = yield from self._ask(Exchange("DELETE", _path_of(job_id)), is_repeatable=False)
        # It may have ended between the two, and is gone then.
        return job if answer.status == 204 else _job_of(answer)

    def retry(self, job_id: str) -> Flow[JobInfo]:
        exchange = Exchange("POST", f"{_path_of(job_id)}/retry")
        return _job_of((yield from self._ask(exchange, is_repeatable=False)))

    def remove(self, job_id: str) -> Flow[None]:
        """The first request cancels one that is not finished, the next removes it."""
        exchange = Exchange("DELETE", _path_of(job_id))
        while (yield from self._ask(exchange, is_repeatable=False)).status != 204:
            pass

    def models(self) -> Flow[list[dict[str, Any]]]:
        found: list[dict[str, Any]] = json_of((yield from self._ask(Exchange("GET", "/models"))))
        return found

    def ready(self) -> Flow[bool]:
        try:
            yield from ask(Exchange("GET", "/readyz"))
        except BusyError:
            return False
        return True

    def _ask(self, exchange: Exchange, *, is_repeatable: bool = True) -> Flow[Answer]:
        return ask(exchange, patience_s=self._patience_s, is_repeatable=is_repeatable)


class _FileSink:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def begin(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def take(self, piece: bytes) -> bool:
        self._file.write(piece)
        return True


def _path_of(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _retrieval_of(answer: Answer) -> RetrievalInfo:
    try:
        return RetrievalInfo.of(json_of(answer))
    except (KeyError, TypeError) as error:
        raise UnexpectedAnswerError("the answer is no retrieval; is the service an older one?") from error


def _job_of(answer: Answer) -> JobInfo:
    try:
        return JobInfo.of(json_of(answer))
    except (KeyError, TypeError) as error:
        raise UnexpectedAnswerError("the answer is no job; is the address that of the service?") from error
