"""Several co-registered pictures of one patient as one image, a channel for each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from imaging.errors import MismatchedGridsError
from imaging.header import Header, Subject
from imaging.image import Contrast, Image
from imaging.kinds import Buffer
from imaging.limits import Limits
from imaging.read import inspect_image, read_image

_DEFAULT_LIMITS = Limits()
# How far two grids may lie apart, in the smallest side of a voxel: no more than a rounded header says.
TOLERANCE = 0.1


def read_contrasts(parts: Mapping[str, Sequence[Buffer]], *, limits: Limits = _DEFAULT_LIMITS) -> Image:
    """Decode the files of each contrast, by name in the order of the channels; one alone is a plain image.

    Raises:
        MismatchedGridsError: The contrasts do not lie on one grid.
        ImagingError: One of them cannot be read.
    """
    share = _shared(limits, len(parts))
    return join_contrasts({name: read_image(files, limits=share) for name, files in parts.items()})


def inspect_contrasts(parts: Mapping[str, Sequence[Buffer]], *, limits: Limits = _DEFAULT_LIMITS) -> Header:
    """The first contrast's header; raises what `read_contrasts` would where no pixel is needed to know."""
    share = _shared(limits, len(parts))
    headers = {name: inspect_image(files, limits=share) for name, files in parts.items()}
    (first, header), *others = headers.items()
    for name, other in others:
        _check_size(name, _size_of(other), first, _size_of(header))
    return replace(header, subject=_joined([one.subject for one in headers.values()]))


def join_contrasts(images: Mapping[str, Image]) -> Image:
    """Images on one grid as one, which has all else of the first.

    Raises:
        MismatchedGridsError: They do not lie on one grid.
    """
    (first, image), *others = images.items()
    if not others:
        return image
    for name, other in others:
        _check_grid(name, other, first, image)
    return replace(
        image,
        pixels=np.concatenate([part.pixels for part in images.values()]),
        contrasts=tuple(Contrast(name, part.voi) for name, part in images.items()),
        warnings=tuple(f"{name}: {text}" for name, part in images.items() for text in part.warnings),
    )


def _joined(subjects: Sequence[Subject | None]) -> Subject | None:
    """The first contrast's, with the instances of all that are of its study."""
    first = subjects[0]
    if first is None:
        return None
    counts: Counter[str] = Counter()
    for one in subjects:
        counts.update(one.instances if one is not None and one.study_uid == first.study_uid else {})
    return replace(first, instances=dict(counts))


def _shared(limits: Limits, count: int) -> Limits:
    """What each of so many contrasts may need, so that all need no more than one image may."""
    return replace(limits, max_decoded_bytes=limits.max_decoded_bytes // count)


def _check_grid(name: str, image: Image, first: str, reference: Image) -> None:
    size = image.size
    _check_size(name, size, first, reference.size)
    corners = np.array(np.meshgrid(*((0, side - 1) for side in size), 1)).reshape(4, -1)
    distance = np.linalg.norm(((image.affine - reference.affine) @ corners)[:3], axis=0).max()
    allowed = TOLERANCE * np.linalg.norm(reference.affine[:3, :3], axis=0).min()
    if distance > allowed:
        raise MismatchedGridsError(
            f"{name} lies up to {distance:.3g} mm off {first}, {allowed:.2g} mm are allowed; "
            f"register it to {first}, resample it onto that grid and send both again"
        )


def _check_size(name: str, size: tuple[int, ...], first: str, reference: tuple[int, ...]) -> None:
    if size != reference:
        raise MismatchedGridsError(
            f"{name} has {_words(size)} voxels, {first} has {_words(reference)}; resample it onto "
            f"the grid of {first} and send both again"
        )


def _size_of(header: Header) -> tuple[int, ...]:
    return header.columns, header.rows, header.slices


def _words(size: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in size)
