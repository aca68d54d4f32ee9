"""PNG and JPEG."""

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from imaging.errors import ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from imaging.limits import Limits
from imaging.read import inspect_image, read_image

GREY = np.array([[0, 100, 255], [1, 2, 3]], np.uint8)


def encoded(picture: PillowImage.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format=kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_values_stay_as_stored(dtype):
    stored = GREY.astype(dtype) * (257 if dtype == np.uint16 else 1)
    image = read_image([encoded(PillowImage.fromarray(stored))])
    np.testing.assert_array_equal(image.pixels, stored[None])
    assert (image.geometry, image.spacing, image.source.format, image.voi) == ("none", None, "png", None)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1"])
def test_every_mode_becomes_grey(mode):
    white = PillowImage.new("L", (3, 2), 255).convert(mode)
    np.testing.assert_allclose(read_image([encoded(white)]).pixels, np.full((1, 2, 3), 255), rtol=1e-5)


def test_transparency_is_dropped_and_colour_becomes_luma():
    image = read_image([encoded(PillowImage.new("RGBA", (1, 1), (255, 0, 0, 0)))])
    assert image.pixels.item() == pytest.approx(76.245)


def test_a_jpeg_is_turned_as_its_exif_asks():
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    content = encoded(PillowImage.new("L", (16, 8), 200), "JPEG", exif=exif)
    image, header = read_image([content]), inspect_image([content])
    assert image.pixels.shape == (1, 16, 8) == (1, header.rows, header.columns)
    assert image.source.format == "jpeg"


def test_an_animation_is_refused():
    frames = [PillowImage.new("L", (2, 2), value) for value in (0, 255)]
    with pytest.raises(UnsupportedImageError, match="animated"):
        inspect_image([encoded(frames[0], save_all=True, append_images=frames[1:])])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_picture_is_refused(kind):
    content = encoded(PillowImage.effect_noise((64, 64), 50), kind)
    with pytest.raises(UnreadableImageError, match="damaged or truncated"):
        read_image([content[: len(content) // 2]])


def test_a_decompression_bomb_is_refused_by_its_header():
    content = encoded(PillowImage.new("1", (8000, 8000)))
    with pytest.raises(ImageTooLargeError, match="asks for 256,000,000 bytes, more than 67,108,864"):
        inspect_image([content], limits=Limits())
