"""The files of an upload, sorted into those of the one image and those that are none of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from imaging.archive import unpack
from imaging.dicom_file import DicomFile
from imaging.errors import (
    ImageTooLargeError,
    InconsistentSeriesError,
    NoPixelDataError,
    UnreadableImageError,
    UnsupportedImageError,
)
from imaging.inflate import GZIP, inflate_start
from imaging.kinds import Buffer, Kind, detect_kind
from imaging.limits import Limits

_READABLE: tuple[Kind, ...] = ("nifti", "png", "jpeg")
_HEAD_BYTES = 1024
_REMEDY = "send DICOM, a ZIP of one DICOM series, NIfTI (.nii, .nii.gz), PNG or JPEG"


class DicomParser(Protocol):
    def __call__(self, content: Buffer, *, limits: Limits) -> DicomFile: ...


@dataclass(frozen=True)
class OtherFile:
    """A file that is an image by itself."""

    kind: Kind
    content: Buffer


@dataclass(frozen=True)
class Upload:
    """One image: DICOM instances, or else the `other` file; and how many files of a ZIP are none of it."""

    instances: tuple[DicomFile, ...]
    other: OtherFile | None
    passed_over: int


def sort_upload(parts: Sequence[Buffer], parse: DicomParser, *, limits: Limits) -> Upload:
    """Find the files of the one image.

    A ZIP may hold other things beside it (a DICOMDIR, reports, thumbnails, folders of an operating system);
    a file sent by itself must be part of the image.

    Raises:
        ImagingError: the upload is empty, holds no image or several, or a DICOM file in it cannot be parsed.
    """
    if not any(len(part) for part in parts):
        raise UnreadableImageError(f"the upload is empty; {_REMEDY}")
    if len(parts) > limits.max_files:
        raise ImageTooLargeError(
            f"{len(parts):,} files are more than {limits.max_files:,}; send one series alone"
        )
    found = list(_within_budget(_pieces(parts, parse, limits=limits), limits=limits))
    instances = tuple(piece for piece in found if isinstance(piece, DicomFile))
    others = [piece for piece in found if isinstance(piece, OtherFile)]
    passed_over = found.count(None)
    if instances and len(parts) == 1 and all(other.kind in ("png", "jpeg") for other in others):
        return Upload(instances, None, passed_over + len(others))
    if len(others) > 1 or (instances and others):
        raise InconsistentSeriesError(
            f"the upload holds {len(instances)} DICOM files and {len(others)} other images; send one image"
        )
    if not instances and not others:
        raise UnsupportedImageError(
            f"none of the {len(found)} files in the ZIP archive is an image; {_REMEDY}"
        )
    return Upload(instances, others[0] if others else None, passed_over)


def _within_budget(
    pieces: Iterator[DicomFile | OtherFile | None], *, limits: Limits
) -> Iterator[DicomFile | OtherFile | None]:
    """The same, as long as what was inflated for them stays within what one image may need."""
    inflated_bytes = 0
    for piece in pieces:
        inflated_bytes += piece.inflated_bytes if isinstance(piece, DicomFile) else 0
        if inflated_bytes > limits.max_decoded_bytes:
            raise ImageTooLargeError(
                f"the deflated files unpack to over {limits.max_decoded_bytes:,} bytes; send fewer"
            )
        yield piece


def _pieces(
    parts: Sequence[Buffer], parse: DicomParser, *, limits: Limits
) -> Iterator[DicomFile | OtherFile | None]:
    """Each file, parsed; None for one in a ZIP that is none of the image."""
    for part in parts:
        if detect_kind(part) != "zip":
            yield _piece(part, parse, limits=limits)
            continue
        for member in unpack(part, limits=limits):
            try:
                is_junk = _kind(member) == "unknown"
                yield None if is_junk else _piece(member, parse, limits=limits)
            except NoPixelDataError:
                yield None


def _piece(content: Buffer, parse: DicomParser, *, limits: Limits) -> DicomFile | OtherFile:
    kind = _kind(content)
    if kind == "dicom":
        return parse(content, limits=limits)
    if kind in _READABLE:
        return OtherFile(kind, content)
    if not len(content):
        raise UnreadableImageError("one of the files is empty; send it again")
    raise UnsupportedImageError(_REFUSALS[kind])


def _kind(content: Buffer) -> Kind:
    """The kind, seen through gzip."""
    kind = detect_kind(content)
    if kind != "gzip":
        return kind
    inner = detect_kind(inflate_start(content, _HEAD_BYTES, wbits=GZIP))
    return inner if inner in ("nifti", "nifti-pair") else "gzip"


_REFUSALS: dict[Kind, str] = {
    "zip": "an archive holds another archive; send the files in one archive",
    "gzip": "the gzip file holds no NIfTI volume; send other files unpacked",
    "nifti-pair": "this is one half of a NIfTI pair (.hdr, .img); send a single .nii file",
    "unknown": f"the file is of no type that can be read; {_REMEDY}",
}
