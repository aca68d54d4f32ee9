"""A result in all of its forms, as one ZIP."""

import io
import shutil
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, get_args

from imaging.errors import NoDicomSourceError, NoFrameOfReferenceError
from service.dicom_forms import Kind, make_dicom
from service.fhir import make_fhir


def make_archive(
    folder: Path, names: Sequence[str], job_id: str, created_at: datetime, seal_key: str, file: BinaryIO
) -> None:
    """Zip files of `folder` and what is made of them; the same job gives the same bytes.

    Forms that the image does not allow are left out.

    Raises:
        GoneError: The key does not open what is kept of the source.
    """
    about = (job_id, created_at, seal_key)
    made: dict[str, Callable[[BinaryIO], None]] = {"fhir.json": partial(make_fhir, folder, *about)}
    for kind in get_args(Kind):
        made[f"{kind}.dcm"] = partial(make_dicom, folder, kind, *about)
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            with (folder / name).open("rb") as source, archive.open(_entry(name), "w") as packed:
                shutil.copyfileobj(source, packed)
        for name, make in made.items():
            content = io.BytesIO()
            with suppress(NoDicomSourceError, NoFrameOfReferenceError):
                make(content)
                archive.writestr(_entry(name), content.getvalue())


def _entry(name: str) -> zipfile.ZipInfo:
    # A fixed date keeps the archive of one result the same, whenever it is made.
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
