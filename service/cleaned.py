"""An upload de-identified, as it is kept when its job is done: one file for each contrast.

Runs in a sandbox. The key of the job's seal makes the new UIDs: a job that is done again keeps the same, and
nobody can tell the old ones from them once that key is gone.
"""

import io
import json
import os
import zipfile
from collections.abc import Sequence
from typing import BinaryIO

from imaging.deidentification.files import Deidentified, deidentify_file
from imaging.deidentification.profile import Profile
from imaging.deidentification.report import Report
from imaging.errors import ImagingError
from imaging.kinds import Buffer, detect_kind
from service.images import UploadAtHand
from service.store import mapped


def clean_upload(upload: UploadAtHand, files: Sequence[BinaryIO]) -> bytes:
    """Write each contrast's files into one, and tell in JSON what was changed in them.

    What cannot be de-identified is not kept: then nothing is written, and the reason is told.
    """
    reports: list[Report] = []
    try:
        for parts, file in zip(upload.keys.values(), files, strict=True):
            cleaned = _cleaned(mapped(upload.root, parts), upload)
            reports += [one.report for one in cleaned]
            _write(cleaned, file)
    except ImagingError as error:
        for file in files:
            file.seek(0)
            file.truncate()
        return json.dumps({"kept": False, "reason": str(error)}).encode()
    return json.dumps({"kept": True, **Report.together(reports).to_json()}).encode()


def _cleaned(parts: Sequence[Buffer], upload: UploadAtHand) -> list[Deidentified]:
    # A job that was queued by an earlier version has no key of its own.
    key = bytes.fromhex(upload.seal_key) or os.urandom(32)
    return [deidentify_file(part, key=key, profile=Profile(), limits=upload.limits) for part in parts]


def _write(cleaned: Sequence[Deidentified], file: BinaryIO) -> None:
    """One file as it is, several as a ZIP, which none of its files may be in turn."""
    if len(cleaned) == 1:
        file.write(cleaned[0].content)
        return
    with zipfile.ZipFile(file, "w") as archive:
        for one in cleaned:
            for content in _unpacked(one.content):
                archive.writestr(zipfile.ZipInfo(f"{len(archive.namelist()):05d}"), content)


def _unpacked(content: bytes) -> list[bytes]:
    if detect_kind(content) != "zip":
        return [content]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist()]
