"""The forms in which a result can be had, and which one a client means by its Accept header."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from service.errors import NotAcceptableError
from service.jobs import Job
from service.keys import result_key
from service.results import ANOMALY_MAP, OVERLAY, RESULT
from service.store import Store


@dataclass(frozen=True)
class Form:
    """`name` is the object's in the store, and the path's below the job's `result`."""

    name: str
    media_type: str


JSON = Form(RESULT, "application/json")
PNG = Form(OVERLAY, "image/png")
NIFTI = Form(ANOMALY_MAP, "application/gzip")
ARCHIVE = Form("result.zip", "application/zip")

FORMS = (JSON, PNG, NIFTI, ARCHIVE)


def negotiate(accept: str | None) -> Form:
    """The first form that the Accept header prefers; JSON where it does not care (RFC 9110 12.5.1).

    Raises:
        NotAcceptableError: It accepts none of them.
    """
    wanted = [_range_of(part) for part in (accept or "*/*").split(",")]
    for media_range, quality in sorted(wanted, key=lambda pair: -pair[1]):
        for form in FORMS:
            if quality > 0 and media_range in ("*/*", f"{form.media_type.split('/')[0]}/*", form.media_type):
                return form
    offered = ", ".join(form.media_type for form in FORMS)
    raise NotAcceptableError(f"a result is none of the types in the Accept header; it can be {offered}")


def _range_of(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return media_range, float(value)
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0


async def key_of(store: Store, job: Job, form: Form) -> str:
    """The object that holds the result in this form, made now if it was not yet."""
    key = result_key(job.job_id, job.attempt, form.name)
    if form == ARCHIVE and not await store.exists(key):
        parts = {
            part.name: await store.get(result_key(job.job_id, job.attempt, part.name))
            for part in (JSON, PNG, NIFTI)
        }
        await store.put(key, await run_in_threadpool(_archive, parts))
    return key


def _archive(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            # A fixed date keeps the archive of one result the same, whenever it is made.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
