"""Forms of a result that are made when they are asked for.

What names nobody is kept then. What names the patient, as a part of the study must, is made anew for each who
asks, and is nowhere afterwards; so is the image itself, whose upload is there already.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from service.api.forms import (
    ARCHIVE,
    DEIDENTIFICATION,
    FHIR,
    IMAGE,
    JSON,
    NIFTI,
    PNG,
    RECONSTRUCTION,
    SEEN,
    Form,
)
from service.api.services import Services
from service.archive_form import make_archive
from service.dicom_forms import make_dicom
from service.errors import NotAcceptableError
from service.fhir import make_fhir
from service.images import draw_slice, give_out
from service.jobs import Job
from service.kept import KEPT, make_deidentification, make_nifti, make_overlay
from service.kept_reconstruction import RECONSTRUCTED, make_reconstruction, make_seen
from service.keys import result_key
from service.passing_file import PassingFile


class _Making(NamedTuple):
    """How a form is made, and of which objects."""

    make: Callable[..., None]
    objects: tuple[str, ...] = (KEPT,)


_NAMELESS: Mapping[Form, _Making] = {
    PNG: _Making(make_overlay),
    NIFTI: _Making(make_nifti),
    DEIDENTIFICATION: _Making(make_deidentification),
    SEEN: _Making(make_seen, (KEPT, RECONSTRUCTED)),
    RECONSTRUCTION: _Making(make_reconstruction, (KEPT, RECONSTRUCTED)),
}


async def open_form(job: Job, form: Form, services: Services) -> tuple[int, AsyncIterator[bytes]]:
    """The size of a finished job's result in this form, and its bytes in pieces.

    Raises:
        FileNotFoundError: The result is kept no longer.
        GoneError: The image is asked for, and the upload is kept no longer.
        NoDicomSourceError: The image did not come as DICOM.
        NoFrameOfReferenceError: Such an object needs places that the image has not.
        NotAcceptableError: There is no reconstruction.
    """
    if form == JSON or form in _NAMELESS:
        return await services.store.stream(await _kept(job, form, services))
    about = (job.job_id, job.created_at, job.request.seal_key)
    with services.store.scratch() as path:
        if form == IMAGE:
            await _give_out(path, job, services)
        elif form == FHIR:
            await _make(path, job, services, [JSON.name, KEPT], make_fhir, *about)
        elif form == ARCHIVE:
            names = [part.name for part in await _archived(job, services)]
            await _make(path, job, services, [*names, KEPT], make_archive, names, *about)
        else:
            kind = form.name.removesuffix(".dcm")
            await _make(path, job, services, [JSON.name, KEPT], make_dicom, kind, *about)
        passing = PassingFile(path)
    return passing.size, passing.pieces()


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
    keys, folder = await upload_of(job, services), _folder(job)
    needed = {**keys, "result": [_key(job, KEPT)]}
    async with services.store.at_hand(needed) as root:
        limits = services.settings.limits
        drawn = await services.drawing_sandbox.call(draw_slice, root, keys, folder, limits, slice_index)
    await services.store.put(key, drawn)
    return key


async def upload_of(job: Job, services: Services) -> Mapping[str, Sequence[str]]:
    """Where a finished job's upload is: de-identified, unless it is kept as it was sent."""
    cleaned = job.request.cleaned_keys
    first = next(iter(cleaned.values()))[0]
    return cleaned if await services.store.exists(first) else job.request.keys


async def _give_out(path: Path, job: Job, services: Services) -> None:
    keys = await upload_of(job, services)
    async with services.store.at_hand(keys) as root:
        await services.drawing_sandbox.call(give_out, root, keys, services.settings.limits, into=[path])


async def _archived(job: Job, services: Services) -> list[Form]:
    """What goes into the archive as it is in the store."""
    parts = [JSON, PNG, NIFTI, DEIDENTIFICATION]
    if await services.store.exists(_key(job, RECONSTRUCTED)):
        parts.append(RECONSTRUCTION)
    for part in parts:
        await _kept(job, part, services)
    return parts


async def _kept(job: Job, form: Form, services: Services) -> str:
    """The key of the object that holds a form which names nobody."""
    key = _key(job, form.name)
    if form != JSON and not await services.store.exists(key):
        make, objects = _NAMELESS[form]
        if RECONSTRUCTED in objects:
            await _check_reconstructed(job, services)
        with services.store.scratch() as path:
            await _make(path, job, services, objects, make)
            await services.store.put_file(key, path)
    return key


async def _check_reconstructed(job: Job, services: Services) -> None:
    store = services.store
    if await store.exists(_key(job, KEPT)) and not await store.exists(_key(job, RECONSTRUCTED)):
        raise NotAcceptableError(
            f"{job.request.model} makes no reconstruction, or an earlier version of this service kept none"
        )


async def _make(
    path: Path, job: Job, services: Services, names: Sequence[str], make: Callable[..., None], *arguments: Any
) -> None:
    needed = [_key(job, name) for name in names]
    for one in needed:
        if not await services.store.exists(one):
            raise FileNotFoundError(one)
    async with services.store.at_hand({"result": needed}) as root:
        await services.drawing_sandbox.call(make, root / _folder(job), *arguments, into=[path])


def _key(job: Job, name: str) -> str:
    return result_key(job.job_id, job.attempt, name)


def _folder(job: Job) -> str:
    return str(Path(_key(job, KEPT)).parent)
