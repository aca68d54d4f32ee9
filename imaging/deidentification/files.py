"""De-identification of a file of any kind that is read, and of the files of a ZIP.

Source: PS3.15 E.1 for DICOM; for other files their own formats, see `nifti_header` and `pictures`.
"""

import io
import zipfile
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from imaging.archive import unpack
from imaging.deidentification.dicom_instance import deidentify_instance
from imaging.deidentification.nifti_header import deidentify_nifti
from imaging.deidentification.pictures import deidentify_jpeg, deidentify_png
from imaging.deidentification.profile import Profile
from imaging.deidentification.pseudonyms import Pseudonyms
from imaging.deidentification.report import Changes, Report
from imaging.errors import ImageTooLargeError, UnsupportedImageError
from imaging.inflate import GZIP, inflate_start
from imaging.kinds import Buffer, Kind, detect_kind
from imaging.limits import Limits

_HEAD_BYTES = 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP can say
_SUFFIXES: dict[Kind, str] = {
    "dicom": ".dcm",
    "nifti": ".nii",
    "gzip": ".nii.gz",
    "png": ".png",
    "jpeg": ".jpg",
}


class _Deidentifier(Protocol):
    def __call__(self, content: Buffer, *, changes: Changes, limits: Limits) -> bytes: ...


@dataclass(frozen=True)
class Deidentified:
    """The file that may be kept or sent; `suffix` is what names of its kind end with."""

    content: bytes
    suffix: str
    report: Report


def deidentify_file(
    content: Buffer, *, key: bytes, profile: Profile, limits: Limits, subject: str | None = None
) -> Deidentified:
    """De-identify DICOM, a ZIP of images, NIfTI, PNG or JPEG; the pixels stay as they are, to the byte.

    Args:
        key: 16 bytes or more; the same key makes the same pseudonyms.
        subject: What every patient is called, instead of a pseudonym each.

    Raises:
        ImagingError: The file is damaged, too large or of no kind that can be de-identified.
        ValueError: The key is too short.
    """
    changes = Changes()
    pseudonyms = Pseudonyms(key, subject)
    kinds: dict[Kind, _Deidentifier] = {
        "dicom": partial(deidentify_instance, profile=profile, pseudonyms=pseudonyms),
        "nifti": deidentify_nifti,
        "gzip": deidentify_nifti,
        "png": deidentify_png,
        "jpeg": deidentify_jpeg,
    }
    if detect_kind(content) == "zip":
        return Deidentified(_archive(content, kinds, changes, limits), ".zip", changes.report())
    kind = _kind(content)
    if kind not in kinds:
        raise UnsupportedImageError("the file is of no type that can be de-identified; leave it out")
    return Deidentified(
        kinds[kind](content, changes=changes, limits=limits), _SUFFIXES[kind], changes.report()
    )


def _archive(content: Buffer, kinds: dict[Kind, _Deidentifier], changes: Changes, limits: Limits) -> bytes:
    """Its images under numbers for names; what is none is dropped, an index (DICOMDIR) too."""
    out = io.BytesIO()
    written_bytes = 0
    with zipfile.ZipFile(out, "w") as archive:
        for number, member in enumerate(unpack(content, limits=limits)):
            if (kind := _kind(member)) not in kinds:
                changes.members_dropped += 1
                continue
            try:
                written = kinds[kind](member, changes=changes, limits=limits)
            except UnsupportedImageError:
                changes.members_dropped += 1
                continue
            written_bytes += len(written)
            if written_bytes > limits.max_decoded_bytes:
                raise ImageTooLargeError(
                    f"the files come to over {limits.max_decoded_bytes:,} bytes; send fewer"
                )
            info = zipfile.ZipInfo(f"{number:06d}{_SUFFIXES[kind]}", _EARLIEST)
            archive.writestr(info, written, zipfile.ZIP_DEFLATED, compresslevel=1)
    if not changes.files:
        raise UnsupportedImageError("none of the files in the ZIP archive can be de-identified")
    return out.getvalue()


def _kind(content: Buffer) -> Kind:
    """The kind; of gzip only NIfTI in it counts."""
    kind = detect_kind(content)
    if kind == "gzip" and detect_kind(inflate_start(content, _HEAD_BYTES, wbits=GZIP)) != "nifti":
        return "unknown"
    return kind
