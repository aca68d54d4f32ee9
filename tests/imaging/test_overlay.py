"""The picture of a heatmap."""

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from imaging.image import Image
from imaging.overlay import render_overlay
from imaging.read import read_image
from tests.imaging.dicom_builder import dicom_bytes, slice_bytes


def drawn(content: bytes) -> np.ndarray:
    return np.asarray(PillowImage.open(io.BytesIO(content))).astype(int)


def square(**elements: object) -> Image:
    stored = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    return read_image([dicom_bytes(stored, WindowCenter=128, WindowWidth=256, **elements)])


def test_a_normal_image_stays_grey():
    picture = drawn(render_overlay(square(), np.full((64, 64), 0.1), limit=1))[:512]
    assert (picture == picture[..., :1]).all()
    assert picture.min() == 0
    assert picture.max() == 252


def test_an_anomaly_is_coloured_where_it_is_and_nowhere_else():
    anomaly_map = np.zeros((64, 64))
    anomaly_map[8:16, 40:48] = 1
    picture = drawn(render_overlay(square(), anomaly_map, limit=1))[:512]
    colourful = np.ptp(picture, axis=-1) > 20
    rows, columns = np.nonzero(colourful)
    assert 64 - 8 <= rows.min() <= rows.max() < 128 + 8
    assert 320 - 8 <= columns.min() <= columns.max() < 384 + 8


def test_small_images_are_enlarged_and_large_ones_reduced():
    assert drawn(render_overlay(square(), np.zeros((64, 64)), limit=1)).shape[1] == 512
    large = read_image([dicom_bytes(np.zeros((8, 3000), np.uint8))])
    assert drawn(render_overlay(large, np.zeros((8, 3000)), limit=1)).shape[1] == 1024


def test_unequal_spacing_is_drawn_in_true_proportion():
    tall = square(ImagerPixelSpacing=[2, 1])
    picture = drawn(render_overlay(tall, np.zeros((64, 64)), limit=1))
    assert picture.shape[0] - 34 == 512
    assert picture[256, 128:384].std() > 0
    assert (picture[256, :127] == picture[256, 0]).all()


def test_the_slice_with_the_highest_anomaly_is_chosen():
    image = read_image([slice_bytes(z, value=v) for z, v in ((0, 0), (3, 50), (6, 100))])
    anomaly_map = np.zeros((3, 2, 3))
    anomaly_map[1, 0, 0] = 1
    chosen = render_overlay(image, anomaly_map, limit=1)
    assert chosen == render_overlay(image, anomaly_map, limit=1, slice_index=1)
    assert chosen != render_overlay(image, anomaly_map, limit=1, slice_index=0)


def test_the_inputs_are_not_modified():
    image, anomaly_map = square(), np.ones((64, 64))
    before = image.pixels.copy()
    render_overlay(image, anomaly_map, limit=1)
    np.testing.assert_array_equal(image.pixels, before)
    np.testing.assert_array_equal(anomaly_map, 1)


def test_a_limit_of_zero_is_a_callers_mistake():
    with pytest.raises(ValueError, match="the limit is 0"):
        render_overlay(square(), np.zeros((64, 64)), limit=0)


def test_a_map_of_another_size_is_a_callers_mistake():
    with pytest.raises(ValueError, match="they must agree"):
        render_overlay(square(), np.zeros((2, 2)), limit=1)
