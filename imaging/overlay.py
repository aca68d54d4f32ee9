"""The heatmap as a picture: the windowed slice in grey, the anomaly map over it in colour, a legend below."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from imaging.colormap import inferno
from imaging.image import Image
from imaging.voi import apply_voi

NOTICE = "RESEARCH USE ONLY"
STRIP_GREY = (18, 18, 20)  # of the text's ground
TEXT_GREY = (188, 188, 192)

_SHORTEST_SIDE = 512  # what the longest side is enlarged to, in display pixels
_LONGEST_SIDE = 1024
_FOOTER_ROWS = 34
_BAR_ROWS = 8
_FADE_IN = (0.2, 0.8)  # of the limit: below it nothing is drawn, above it the opacity is full
_DARKEST = 0.2  # the scale's black start would hide in the image's own black


def render_overlay(
    image: Image,
    anomaly_map: np.ndarray,
    *,
    limit: float,
    slice_index: int | None = None,
    opacity: float = 0.6,
) -> bytes:
    """Draw one slice as a PNG whose longest side is 512 to 1024 pixels, plus the legend's rows.

    Args:
        anomaly_map: `(D, H, W)` or `(H, W)`, on the image's pixels.
        limit: The map's value at full colour; above 0.
        slice_index: By default the slice with the highest value.
        opacity: Of the heatmap where it is strongest, in [0, 1].
    """
    if not limit > 0:
        raise ValueError(f"the limit is {limit}; it is a map value above 0")
    volume = anomaly_map if anomaly_map.ndim == 3 else anomaly_map[None]  # (D, H, W)
    slices = image.slices[:, 0]  # (D, H, W)
    if volume.shape != slices.shape:
        raise ValueError(f"the map is {volume.shape}, the image {slices.shape}; they must agree")
    chosen = _highest_slice(volume) if slice_index is None else slice_index
    return draw_overlay(grey_picture(image, chosen), volume[chosen], limit=limit, opacity=opacity)


@dataclass(frozen=True)
class GreyPicture:
    """One slice as it is shown: its pixels, no more than the screen has, and its size on the screen."""

    pixels: np.ndarray  # (H, W) uint8
    size: tuple[int, int]  # columns, rows


def grey_picture(image: Image, slice_index: int) -> GreyPicture:
    """One slice in the image's grey window."""
    size = _display_size(image)
    grey = _grey(image, image.slices[slice_index, 0])
    if grey.size > size[0] * size[1]:
        grey = _resized(grey, size)
    return GreyPicture(np.asarray(np.rint(255 * np.clip(grey, 0, 1)), np.uint8), size)


def draw_overlay(picture: GreyPicture, plane: np.ndarray, *, limit: float, opacity: float = 0.6) -> bytes:
    """Draw a slice's map `(H, W)` over its picture, as a PNG; the rest as `render_overlay` has it."""
    return _png(paint_overlay(picture, plane, limit=limit, opacity=opacity))


def paint_overlay(
    picture: GreyPicture, plane: np.ndarray, *, limit: float, opacity: float = 0.6
) -> PillowImage.Image:
    """The same, not yet packed."""
    grey = _resized(picture.pixels.astype(np.float32) / 255, picture.size)
    strength = np.clip(_resized(np.nan_to_num(plane) / limit, picture.size), 0, 1)
    return _with_footer(_blend(grey, strength, opacity), limit)


def _highest_slice(volume: np.ndarray) -> int:
    return int(np.nanargmax(volume.max(axis=(1, 2))))


def _grey(image: Image, plane: np.ndarray) -> np.ndarray:
    """[0, 1], by the image's VOI, or from the slice's 1st to its 99th percentile where it has none."""
    if image.voi is not None:
        return apply_voi(plane, image.voi)
    # A quarter of a million pixels tell as much as all of an X-ray's.
    step = max(1, max(plane.shape) // 512)
    low, high = np.percentile(plane[::step, ::step], (1, 99))
    return np.asarray(np.clip((plane - low) / max(high - low, 1e-12), 0, 1), np.float32)


def _display_size(image: Image) -> tuple[int, int]:
    """Columns and rows on the screen, in the true proportions of the spacing."""
    across, down, _ = image.spacing or (1.0, 1.0, 1.0)
    rows, columns = image.pixels.shape[-2:]
    width, height = columns * across, rows * down
    pixels = np.clip(max(rows, columns), _SHORTEST_SIDE, _LONGEST_SIDE)
    scale = pixels / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    picture = PillowImage.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize(size, PillowImage.Resampling.BILINEAR))


def _blend(grey: np.ndarray, strength: np.ndarray, opacity: float) -> np.ndarray:
    """Colours `(H, W, 3)` in [0, 255]; what is normal stays untouched grey."""
    start, end = _FADE_IN
    ramp = np.clip((strength - start) / (end - start), 0, 1)
    alpha = (opacity * ramp * ramp * (3 - 2 * ramp))[..., None]
    blended: np.ndarray = 255 * grey[..., None] * (1 - alpha) + _colours(strength) * alpha
    return blended


def _colours(strength: np.ndarray) -> np.ndarray:
    return inferno(_DARKEST + (1 - _DARKEST) * strength)


def _with_footer(colours: np.ndarray, limit: float) -> PillowImage.Image:
    """The notice on the left and the scale on the right of a strip below the image, hiding none of it."""
    height, width = colours.shape[:2]
    canvas = PillowImage.new("RGB", (max(width, _SHORTEST_SIDE), height + _FOOTER_ROWS), STRIP_GREY)
    canvas.paste(PillowImage.fromarray(np.rint(colours).astype(np.uint8)), ((canvas.width - width) // 2, 0))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(13)
    middle = height + _FOOTER_ROWS // 2
    draw.text((12, middle), NOTICE, fill=TEXT_GREY, font=font, anchor="lm")
    top_label = f"{limit:.3g}"
    label_left = canvas.width - 12 - int(draw.textlength(top_label, font=font))
    draw.text((label_left, middle), top_label, fill=TEXT_GREY, font=font, anchor="lm")
    bar_width = canvas.width // 4
    bar_left = label_left - 8 - bar_width
    scale = _blend(
        np.full((_BAR_ROWS, bar_width), 0.07), np.tile(np.linspace(0, 1, bar_width), (_BAR_ROWS, 1)), 1
    )
    canvas.paste(PillowImage.fromarray(np.rint(scale).astype(np.uint8)), (bar_left, middle - _BAR_ROWS // 2))
    outline = (bar_left - 1, middle - _BAR_ROWS // 2 - 1, bar_left + bar_width, middle + _BAR_ROWS // 2)
    draw.rectangle(outline, outline=(72, 72, 76))
    draw.text((bar_left - 8, middle), "anomaly  0", fill=TEXT_GREY, font=font, anchor="rm")
    return canvas


def _png(picture: PillowImage.Image) -> bytes:
    out = io.BytesIO()
    # The best compression would take most of the time that a heatmap takes, for few bytes less.
    picture.save(out, format="PNG", compress_level=3)
    return out.getvalue()
