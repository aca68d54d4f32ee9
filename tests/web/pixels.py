"""What a canvas shows, read from a screenshot."""

import io

import numpy as np
from PIL import Image as PillowImage
from playwright.sync_api import Locator
from scipy import ndimage

# Between the channels of a pixel; grey has none, and the letters on the picture have little.
_COLOUR = 40
_WHITE = 200
# Drawing waits for the next frame.
_NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def picture(canvas: Locator) -> np.ndarray:
    """Its pixels as drawn, `(H, W, 3)`."""
    canvas.evaluate(_NEXT_FRAME)
    with PillowImage.open(io.BytesIO(canvas.screenshot())) as shot:
        return np.asarray(shot.convert("RGB"))


def coloured(shown: np.ndarray) -> np.ndarray:
    return np.ptp(shown.astype(np.int16), axis=-1) > _COLOUR


def brightest_spot(shown: np.ndarray) -> tuple[slice, slice]:
    """The box of the largest white region."""
    labels, count = ndimage.label(shown.min(axis=-1) > _WHITE)
    assert count > 0
    largest = int(np.argmax(np.bincount(labels.ravel())[1:]))
    rows, columns = ndimage.find_objects(labels)[largest]
    return rows, columns


def grown(box: tuple[slice, slice], pixels: int) -> tuple[slice, slice]:
    rows, columns = (slice(max(0, side.start - pixels), side.stop + pixels) for side in box)
    return rows, columns
