"""From a slice of an image to the network's input.

Training and the service call this same code, so that both see the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image as Pillow
from scipy import ndimage
from skimage.exposure import equalize_adapthist
from skimage.filters import threshold_otsu

from imaging.image import Image, LookupTable, Window
from imaging.voi import apply_voi
from inference import steps
from inference.view import View, view_of

# Scales the median absolute deviation to the standard deviation of a Gaussian.
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class PreparedSlice:
    """A slice on its way into the network.

    `box` is `(top, left, height, width)`: the part of the source slice, in its pixels, that `pixels` covers.
    The source slice is the view's: the image's own, if no step has turned or resampled that.
    """

    pixels: np.ndarray  # (C, h, w) float32
    box: tuple[int, int, int, int]
    source_shape: tuple[int, int]  # (H, W)
    vois: tuple[Window | LookupTable | None, ...] = (None,)  # one a contrast, whose turns the channels take
    mask: np.ndarray | None = None  # (h, w) bool: where the map counts


def prepare_image(image: Image, chain: Sequence[steps.Step]) -> Iterator[PreparedSlice]:
    """Run the manifest's steps over an image, and give its slices in turn.

    Raises:
        OutOfScopeError: The image has no such plane, spacing, region or slab as the steps want.
    """
    return prepare_view(view_of(image, chain), image, chain)


def prepare_view(view: View, image: Image, chain: Sequence[steps.Step]) -> Iterator[PreparedSlice]:
    """Run the steps of single slices over what the image's view has chosen, each slice in turn."""
    before, after = steps.neighbours(chain)
    of_slices = steps.slice_steps(chain)
    slices = view.pixels.swapaxes(0, 1)  # (D, C, H, W)
    vois = tuple(contrast.voi for contrast in image.contrasts) or (image.voi,)
    for index in view.chosen:
        together = np.arange(index - before, index + after + 1).clip(0, len(slices) - 1)
        prepared = _start(np.concatenate(slices[together]), vois)
        if view.mask is not None:
            prepared = replace(prepared, mask=view.mask[index])
        yield _prepared(prepared, of_slices)


def prepare_slice(
    pixels: np.ndarray, chain: Sequence[steps.Step], *, voi: Window | LookupTable | None = None
) -> PreparedSlice:
    """Run steps that ask for no neighbours over one slice `(C, H, W)` of rescaled values of one contrast."""
    return _prepared(_start(pixels, (voi,)), chain)


def _start(pixels: np.ndarray, vois: tuple[Window | LookupTable | None, ...]) -> PreparedSlice:
    height, width = pixels.shape[1:]
    return PreparedSlice(
        np.ascontiguousarray(pixels, dtype=np.float32), (0, 0, height, width), (height, width), vois
    )


def _prepared(prepared: PreparedSlice, chain: Sequence[steps.Step]) -> PreparedSlice:
    for step in chain:
        prepared = _APPLY[type(step)](prepared, step)
    return prepared


def resample(plane: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Resample a plane `(H, W)` with an antialiased triangle filter."""
    if plane.shape == (height, width):
        return plane.astype(np.float32, copy=False)
    picture = Pillow.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(picture.resize((width, height), Pillow.Resampling.BILINEAR))


def contrast(pixels: np.ndarray) -> np.ndarray:
    """Deviations from the mean of `pixels`, in units of their mean absolute value; 0 where all are equal."""
    if pixels.max() == pixels.min():
        return np.zeros(pixels.shape, np.float32)  # a rounded mean would leave a deviation
    centred = np.asarray(pixels, np.float32) - np.float32(pixels.mean())
    return np.asarray(centred / np.abs(centred).mean(), np.float32)


def head_mask(plane: np.ndarray, *, erode: int) -> np.ndarray:
    """The largest bright region of a plane, its holes filled, eroded by `erode` pixels."""
    if plane.max() == plane.min():
        return np.zeros(plane.shape, bool)
    # Half of Otsu's threshold: grey matter and fluid belong to the head, air does not.
    labels, count = ndimage.label(plane > 0.5 * threshold_otsu(plane))
    if count == 0:
        return np.zeros(plane.shape, bool)
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    filled = ndimage.binary_fill_holes(labels == largest)
    return np.asarray(ndimage.binary_erosion(filled, iterations=erode) if erode else filled, bool)


def _voi(prepared: PreparedSlice, _step: steps.Voi) -> PreparedSlice:
    return _by_contrast(prepared, apply_voi)


def _window(prepared: PreparedSlice, step: steps.FixedWindow) -> PreparedSlice:
    return replace(
        prepared, pixels=apply_voi(prepared.pixels, Window(step.center, step.width)).astype(np.float32)
    )


def _crop_border(prepared: PreparedSlice, step: steps.CropBorder) -> PreparedSlice:
    rows, columns = prepared.pixels.shape[1:]
    down, right = int(rows * step.fraction), int(columns * step.fraction)
    return _cut(prepared, slice(down, rows - down), slice(right, columns - right))


def _crop_to_head(prepared: PreparedSlice, step: steps.CropToHead) -> PreparedSlice:
    head = head_mask(prepared.pixels.mean(axis=0), erode=0)
    if not head.any():
        return prepared
    rows, columns = (_span(np.asarray(head.any(axis=axis)), step.margin) for axis in (1, 0))
    return _cut(prepared, rows, columns)


def _span(inside: np.ndarray, margin: float) -> slice:
    """From the first to the last true place `(N,)`, widened at both ends by `margin` of its length."""
    places = np.flatnonzero(inside)
    first, end = int(places[0]), int(places[-1]) + 1
    more = round(margin * (end - first))
    return slice(max(0, first - more), min(len(inside), end + more))


def _cut(prepared: PreparedSlice, rows: slice, columns: slice) -> PreparedSlice:
    height, width = prepared.pixels.shape[1:]
    top, left, box_height, box_width = prepared.box
    # The cut may come after a resize: count it in the pixels of the source.
    first_row, end_row = (round(box_height * place / height) for place in (rows.start, rows.stop))
    first_column, end_column = (round(box_width * place / width) for place in (columns.start, columns.stop))
    return replace(
        prepared,
        pixels=prepared.pixels[:, rows, columns],
        box=(top + first_row, left + first_column, end_row - first_row, end_column - first_column),
        mask=None if prepared.mask is None else prepared.mask[rows, columns],
    )


def _resize(prepared: PreparedSlice, step: steps.Resize) -> PreparedSlice:
    planes = [resample(plane, height=step.height, width=step.width) for plane in prepared.pixels]
    mask = prepared.mask
    if mask is not None:
        mask = resample(mask.astype(np.float32), height=step.height, width=step.width) > 0.5
    return replace(prepared, pixels=np.stack(planes), mask=mask)


def _percentile_stretch(prepared: PreparedSlice, step: steps.PercentileStretch) -> PreparedSlice:
    def stretch(pixels: np.ndarray, _voi: object) -> np.ndarray:
        low, high = np.percentile(pixels, (step.low, step.high))
        stretched = (pixels - low) / max(float(high - low), np.finfo(np.float32).tiny)
        return np.asarray(np.clip(stretched, 0, 1))

    return _by_contrast(prepared, stretch)


def _contrast_normalise(prepared: PreparedSlice, step: steps.ContrastNormalise) -> PreparedSlice:
    def normalise(pixels: np.ndarray, _voi: object) -> np.ndarray:
        return np.clip((contrast(pixels) - step.low) / (step.high - step.low), 0, 1)

    return _by_contrast(prepared, normalise)


def _clahe(prepared: PreparedSlice, step: steps.Clahe) -> PreparedSlice:
    rows, columns = prepared.pixels.shape[1:]
    kernel = (max(rows // step.tiles, 1), max(columns // step.tiles, 1))
    planes = [
        equalize_adapthist(np.clip(plane, 0, 1), kernel_size=kernel, clip_limit=step.clip_limit)
        for plane in prepared.pixels
    ]
    return replace(prepared, pixels=np.stack(planes).astype(np.float32))


def _robust_z_in_mask(prepared: PreparedSlice, step: steps.RobustZInMask) -> PreparedSlice:
    mask = _mask_of(prepared, erode=step.erode)
    pixels = np.zeros_like(prepared.pixels)
    for plane, out in zip(prepared.pixels, pixels, strict=True):
        inside = plane[mask]
        if inside.size == 0:
            continue
        median = np.median(inside)
        spread = MAD_TO_SD * np.median(np.abs(inside - median))
        z = (inside - median) / max(float(spread), np.finfo(np.float32).tiny)
        out[mask] = (np.clip(z, -step.limit, step.limit) + step.limit) / (2 * step.limit)
    return replace(prepared, pixels=pixels, mask=mask)


def _mask_of(prepared: PreparedSlice, *, erode: int) -> np.ndarray:
    """The region that an earlier step has found, else the slice's head."""
    if prepared.mask is None:
        return head_mask(prepared.pixels.mean(axis=0), erode=erode)
    return np.asarray(
        ndimage.binary_erosion(prepared.mask, iterations=erode) if erode else prepared.mask, bool
    )


def _by_contrast(
    prepared: PreparedSlice, change: Callable[[np.ndarray, Window | LookupTable | None], np.ndarray]
) -> PreparedSlice:
    """Change the channels of each contrast together: a contrast has one scale, two have not."""
    pixels = np.empty(prepared.pixels.shape, np.float32)
    count = len(prepared.vois)
    for index, voi in enumerate(prepared.vois):
        pixels[index::count] = change(prepared.pixels[index::count], voi)
    return replace(prepared, pixels=pixels)


_APPLY: dict[type, Callable[[PreparedSlice, Any], PreparedSlice]] = {
    steps.Voi: _voi,
    steps.FixedWindow: _window,
    steps.CropBorder: _crop_border,
    steps.CropToHead: _crop_to_head,
    steps.Resize: _resize,
    steps.PercentileStretch: _percentile_stretch,
    steps.ContrastNormalise: _contrast_normalise,
    steps.Clahe: _clahe,
    steps.RobustZInMask: _robust_z_in_mask,
}
