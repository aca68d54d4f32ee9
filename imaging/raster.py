"""PNG and JPEG pictures: grey values as stored, without any place in the world.

Colour becomes luma and transparency is dropped. 8-bit files keep 0 to 255, 16-bit grey ones 0 to 65535. A
JPEG is turned as its EXIF orientation asks, as every viewer does.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from imaging.errors import ImageTooLargeError, UnsupportedImageError
from imaging.foreign_errors import translated
from imaging.header import Header
from imaging.image import Image, Source, SourceGrid
from imaging.kinds import Buffer
from imaging.limits import Limits
from imaging.luma import luma

_DAMAGED = "the picture is damaged or truncated; send the file again"
_FORMATS: dict[str, Literal["png", "jpeg"]] = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg"}
_GREY_MODES = ("L", "I", "I;16", "I;16B", "I;16L", "I;16N")


def read_raster(content: Buffer, *, limits: Limits) -> Image:
    """Decode one picture to `(1, H, W)`.

    Raises:
        UnreadableImageError: it is damaged or truncated.
        UnsupportedImageError: it is animated.
        ImageTooLargeError: its pixels exceed `limits`.
    """
    picture = _open(content, limits=limits)
    with translated(_DAMAGED):
        upright = ImageOps.exif_transpose(picture)
        pixels = np.ascontiguousarray(_grey(upright))[None]
    affine = np.eye(4)
    return Image(
        pixels=pixels,
        affine=affine,
        geometry="none",
        source=Source(format=_FORMATS[str(picture.format)]),
        grid=SourceGrid.straight((pixels.shape[2], pixels.shape[1], 1), affine),
    )


def inspect_raster(content: Buffer, *, limits: Limits) -> Header:
    """What `read_raster` would return, without decoding it; a PNG's chunks are counted and checked.

    Raises:
        UnreadableImageError: it is damaged or truncated, as far as that can be told.
        UnsupportedImageError: it is animated.
        ImageTooLargeError: its pixels exceed `limits`.
    """
    picture = _open(content, limits=limits)
    with translated(_DAMAGED):
        # TIFF 6.0 Orientation: 5 to 8 swap rows and columns.
        is_turned = _may_be_turned(picture, content) and picture.getexif().get(0x0112, 1) >= 5
    columns, rows = picture.size[::-1] if is_turned else picture.size
    return Header(
        format=_FORMATS[str(picture.format)],
        modality=None,
        body_part=None,
        rows=rows,
        columns=columns,
        slices=1,
    )


def turn_of(content: Buffer, *, limits: Limits) -> int:
    """The TIFF 6.0 Orientation that the picture is read with, 1 to 8; 1 is upright.

    Raises:
        ImagingError: as `read_raster`.
    """
    picture = _open(content, limits=limits)
    with translated(_DAMAGED):
        turn = picture.getexif().get(0x0112, 1)
    return turn if turn in range(2, 9) else 1


def _may_be_turned(picture: PillowImage.Image, content: Buffer) -> bool:
    """Pillow decodes a whole PNG to look for an eXIf chunk behind its pixels; most have none at all."""
    return picture.format != "PNG" or bytes(content).find(b"eXIf") >= 0


def _open(content: Buffer, *, limits: Limits) -> PillowImage.Image:
    with translated(_DAMAGED), _bombs_named():
        picture = PillowImage.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        is_animated = picture.format == "PNG" and bool(getattr(picture, "is_animated", False))
        if picture.format == "PNG":
            # Pillow shows as much of a picture as has arrived; its chunks tell whether that is all of it.
            PillowImage.open(io.BytesIO(content), formats=("PNG",)).verify()
    needed = 4 * picture.width * picture.height
    budget = limits.expanded_bytes(len(content))
    if needed > budget:
        raise ImageTooLargeError(
            f"the picture asks for {needed:,} bytes, more than {budget:,}; send a smaller one"
        )
    if is_animated:
        raise UnsupportedImageError("the picture is animated; send one still picture")
    return picture


@contextmanager
def _bombs_named() -> Iterator[None]:
    """Pillow has a limit of its own, about 180 million pixels, which no radiograph comes near."""
    try:
        yield
    except PillowImage.DecompressionBombError:
        raise ImageTooLargeError("the picture has too many pixels; send a smaller one") from None


def _grey(picture: PillowImage.Image) -> np.ndarray:
    if picture.mode in _GREY_MODES:
        return np.asarray(picture).astype(np.float32)
    if picture.mode in ("1", "LA"):
        return np.asarray(picture.convert("L")).astype(np.float32)
    return luma(np.asarray(picture.convert("RGB")))
