"""What the sandbox does with an upload: look at its headers, decode it, draw a slice of it or give it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imaging.contrasts import inspect_contrasts, read_contrasts
from imaging.dicom_elements import text
from imaging.dicom_file import parse_dicom_header
from imaging.errors import ImagingError
from imaging.header import Header
from imaging.image import Image
from imaging.kinds import Buffer
from imaging.limits import Limits
from imaging.nifti import write_image
from imaging.overlay import draw_overlay, grey_picture
from service.errors import GoneError, UnknownFieldError
from service.kept import KEPT, Kept
from service.store import mapped


@dataclass(frozen=True)
class Instance:
    """A DICOM image by its names."""

    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    study_uid: str


Keys = Mapping[str, Sequence[str]]
"""Where the files of each contrast are in the store."""


@dataclass(frozen=True)
class UploadAtHand:
    """An upload whose files are below `root`; `seal_key` is its job's."""

    root: Path
    keys: Keys
    limits: Limits
    seal_key: str


def get_ready() -> None:
    """Nothing: to call it starts the sandbox and imports the decoders there."""


def inspect_upload(root: Path, keys: Keys, limits: Limits) -> Header:
    """Tell what an upload is, from its headers.

    Raises:
        ImagingError: It is nothing that can be scored.
    """
    return inspect_contrasts(_mapped(root, keys), limits=limits)


def identify_instances(root: Path, keys: Keys, limits: Limits) -> list[Instance | None]:
    """Tell of each file which instance of which series it is; None where it is no DICOM image with UIDs."""
    return [_instance_of(part, limits) for parts in _mapped(root, keys).values() for part in parts]


def decode_upload(root: Path, keys: Keys, limits: Limits) -> Image:
    """Decode an upload.

    Raises:
        GoneError: It was removed meanwhile.
        ImagingError: It cannot be decoded.
    """
    try:
        parts = _mapped(root, keys)
    except FileNotFoundError as error:
        raise GoneError("the upload is kept no longer; send it again") from error
    return read_contrasts(parts, limits=limits)


def draw_slice(root: Path, keys: Keys, folder: str, limits: Limits, slice_index: int) -> bytes:
    """Draw the overlay of one slice, from the upload and the result that is kept in `folder`.

    Raises:
        GoneError: The upload was removed meanwhile.
        UnknownFieldError: There is no such slice.
    """
    image = decode_upload(root, keys, limits)
    count = len(image.slices)
    if not 0 <= slice_index < count:
        raise UnknownFieldError(f"slice {slice_index} does not exist; the image has slices 0 to {count - 1}")
    kept = Kept.read(root / folder / KEPT)
    plane = kept.planes.plane(slice_index)
    return draw_overlay(grey_picture(image, slice_index), plane, limit=kept.drawing.limit)


def give_out(root: Path, keys: Keys, limits: Limits, file: BinaryIO) -> None:
    """Write the values of an upload's first contrast as `.nii.gz`, on the very grid of its anomaly map.

    Raises:
        GoneError: It was removed meanwhile.
    """
    first = next(iter(keys))
    write_image(decode_upload(root, {first: keys[first]}, limits), file)


def _instance_of(content: Buffer, limits: Limits) -> Instance | None:
    try:
        header = parse_dicom_header(content, limits=limits).header
        names = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
        found = [text(header, name) for name in names]
    except ImagingError:
        return None
    return Instance(*(uid or "" for uid in found)) if all(found) else None


def _mapped(root: Path, keys: Keys) -> dict[str, Sequence[Buffer]]:
    return {name: mapped(root, files) for name, files in keys.items()}
