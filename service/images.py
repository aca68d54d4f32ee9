"""What the sandbox does with an upload: look at its headers, decode it, draw a slice of it."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from imaging.contrasts import inspect_contrasts, read_contrasts
from imaging.header import Header
from imaging.image import Image
from imaging.kinds import Buffer
from imaging.limits import Limits
from imaging.nifti import read_map
from imaging.overlay import render_overlay
from service.errors import GoneError, UnknownFieldError
from service.store import Store

Keys = Mapping[str, Sequence[str]]
"""Where the files of each contrast are in the store."""


def get_ready() -> None:
    """Nothing: to call it starts the sandbox and imports the decoders there."""


def inspect_upload(root: Path, keys: Keys, limits: Limits) -> Header:
    """Tell what an upload is, from its headers.

    Raises:
        ImagingError: It is nothing that can be scored.
    """
    return inspect_contrasts(_mapped(root, keys), limits=limits)


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


def draw_slice(
    root: Path, keys: Keys, map_key: str, limits: Limits, full_colour: float, slice_index: int
) -> bytes:
    """Draw the overlay of one slice, from the upload and the stored anomaly map.

    Args:
        full_colour: The map's value that has the heatmap's last colour.

    Raises:
        UnknownFieldError: There is no such slice.
    """
    image = decode_upload(root, keys, limits)
    count = len(image.slices)
    if not 0 <= slice_index < count:
        raise UnknownFieldError(f"slice {slice_index} does not exist; the image has slices 0 to {count - 1}")
    anomaly_map = _map_on_image(gzip.decompress((root / map_key).read_bytes()), image)
    return render_overlay(image, anomaly_map, limit=full_colour, slice_index=slice_index)


def _mapped(root: Path, keys: Keys) -> dict[str, Sequence[Buffer]]:
    return {name: Store(root).mapped(files) for name, files in keys.items()}


def _map_on_image(nifti: bytes, image: Image) -> np.ndarray:
    """The map `(D, H, W)` on our own axes: `SourceGrid.lay_back` the other way round."""
    stored = read_map(nifti)
    for axis, flip in enumerate(image.grid.flips):
        if flip:
            stored = np.flip(stored, axis)
    return stored.transpose(np.argsort(image.grid.axes)).transpose(2, 1, 0)
