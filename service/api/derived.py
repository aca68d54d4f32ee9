"""Forms of a result that are made when they are first asked for, and kept."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from imaging.errors import NoDicomSourceError, NoFrameOfReferenceError
from service.api.forms import ARCHIVE, DICOM, FHIR, JSON, NIFTI, PNG, Form
from service.api.services import Services
from service.dicom_forms import make_dicom
from service.fhir import make_fhir
from service.images import draw_slice
from service.jobs import Job
from service.kept import KEPT, make_archive, make_nifti, make_overlay
from service.keys import result_key


async def object_of(job: Job, form: Form, services: Services) -> str:
    """The key of the object that holds the result of a finished job in this form.

    Raises:
        FileNotFoundError: The result is kept no longer.
        NoDicomSourceError: The image did not come as DICOM.
        NoFrameOfReferenceError: Such an object needs places that the image has not.
    """
    key = _key(job, form.name)
    if form == JSON or await services.store.exists(key):
        return key
    if form == PNG:
        await _make(key, job, services, [KEPT], make_overlay)
    elif form == NIFTI:
        await _make(key, job, services, [KEPT], make_nifti)
    elif form == FHIR:
        await _make(key, job, services, [JSON.name, KEPT], make_fhir, job.job_id, job.created_at)
    elif form == ARCHIVE:
        names = [part.name for part in await _parts_of(job, services)]
        await _make(key, job, services, names, make_archive, names)
    else:
        kind = form.name.removesuffix(".dcm")
        await _make(key, job, services, [JSON.name, KEPT], make_dicom, kind, job.job_id, job.created_at)
    return key


async def _parts_of(job: Job, services: Services) -> list[Form]:
    """The forms that the archive holds, all of them made: of a picture's result there are none as DICOM."""
    parts = [JSON]
    for form in (PNG, NIFTI, FHIR, *DICOM.values()):
        with suppress(NoDicomSourceError, NoFrameOfReferenceError):
            await object_of(job, form, services)
            parts.append(form)
    return parts


async def slice_of(job: Job, slice_index: int, services: Services) -> str:
    """The key of one slice's overlay.

    Raises:
        FileNotFoundError: The result is kept no longer.
        GoneError: The upload is.
        UnknownFieldError: There is no such slice.
    """
    key = _key(job, f"overlay-{slice_index:05d}.png")
    if await services.store.exists(key):
        return key
    keys, folder = job.request.keys, _folder(job)
    needed = {**keys, "result": [_key(job, KEPT)]}
    async with services.store.at_hand(needed) as root:
        limits = services.settings.limits
        drawn = await services.drawing_sandbox.call(draw_slice, root, keys, folder, limits, slice_index)
    await services.store.put(key, drawn)
    return key


async def _make(
    key: str, job: Job, services: Services, names: list[str], make: Callable[..., None], *arguments: Any
) -> None:
    needed = [_key(job, name) for name in names]
    for one in needed:
        if not await services.store.exists(one):
            raise FileNotFoundError(one)
    async with services.store.at_hand({"result": needed}) as root:
        with services.store.scratch() as path:
            await services.drawing_sandbox.call(make, root / _folder(job), *arguments, into=[path])
            await services.store.put_file(key, path)


def _key(job: Job, name: str) -> str:
    return result_key(job.job_id, job.attempt, name)


def _folder(job: Job) -> str:
    return str(Path(_key(job, KEPT)).parent)
