from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from imaging.image import Contrast, Image, Source, SourceGrid, Window
from inference import steps
from inference.map_planes import MapPlanes
from inference.preprocess import PreparedSlice, head_mask, prepare_image, prepare_slice, resample

RAMP = np.arange(64, dtype=np.float32).reshape(1, 8, 8)


def restore_map(plane: np.ndarray, prepared: PreparedSlice) -> np.ndarray:
    """A slice's map `(h, w)` on its source's pixels."""
    return MapPlanes.of(plane[None], [prepared]).plane(0)


def volume_of(pixels: np.ndarray) -> Image:
    """A volume `(C, D, H, W)` without geometry."""
    _channels, depth, height, width = pixels.shape
    grid = SourceGrid.straight((width, height, depth), np.eye(4))
    return Image(pixels.astype(np.float32), np.eye(4), "none", Source("nifti"), grid)


# Slice d of contrast c is 10 c + d everywhere.
NUMBERED = volume_of((10 * np.arange(2)[:, None] + np.arange(4))[:, :, None, None] * np.ones((8, 8)))


def channels_of(*chain: steps.Step) -> list[list[float]]:
    """What every channel of every prepared slice of `NUMBERED` holds."""
    return [part.pixels[:, 0, 0].tolist() for part in prepare_image(NUMBERED, chain)]


def test_a_slice_comes_with_its_neighbours_slice_by_slice_and_the_ends_repeated():
    found = channels_of(steps.NeighbouringSlices(before=2, after=1))
    assert found[0] == [0, 10, 0, 10, 0, 10, 1, 11]
    assert found[2] == [0, 10, 1, 11, 2, 12, 3, 13]
    assert found[3] == [1, 11, 2, 12, 3, 13, 3, 13]


def test_contrasts_are_stretched_apart_and_neighbours_together():
    pixels = NUMBERED.pixels + 3 * (np.arange(8) >= 4)  # the right half is brighter
    named = replace(NUMBERED, pixels=pixels, contrasts=(Contrast("A"), Contrast("B")))
    chain = [steps.NeighbouringSlices(before=1, after=0), steps.PercentileStretch(low=0, high=100)]
    last = list(prepare_image(named, chain))[-1]
    # Contrast A shows 2 and 5 before 3 and 6, and B ten more: from 2 to 6, and from 12 to 16.
    np.testing.assert_allclose(last.pixels[:, 0, 0], [0, 0, 0.25, 0.25], atol=1e-6)
    np.testing.assert_allclose(last.pixels[:, 0, 7], [0.75, 0.75, 1, 1], atol=1e-6)


def test_each_contrast_has_its_own_window():
    windows = (Contrast("A", Window(0, 8, "LINEAR_EXACT")), Contrast("B", Window(10, 16, "LINEAR_EXACT")))
    [*_others, last] = prepare_image(replace(NUMBERED, contrasts=windows), [steps.Voi()])
    np.testing.assert_allclose(last.pixels[:, 0, 0], [0.5 + 3 / 8, 0.5 + 3 / 16])


def test_a_slice_without_neighbours_comes_alone():
    assert channels_of() == [[0, 10], [1, 11], [2, 12], [3, 13]]


def test_a_single_slice_is_its_own_neighbour():
    [part] = prepare_image(volume_of(np.full((1, 1, 8, 8), 5.0)), [steps.NeighbouringSlices()])
    assert part.pixels[:, 0, 0].tolist() == [5, 5, 5]


def test_neighbours_are_cut_to_one_head():
    heads = np.zeros((1, 3, 40, 40))
    heads[0, 0, 10:20, 10:20] = heads[0, 1, 10:30, 10:30] = heads[0, 2, 10:20, 10:20] = 100
    chain = [steps.NeighbouringSlices(before=1, after=0), steps.CropToHead(margin=0)]
    assert [part.box for part in prepare_image(volume_of(heads), chain)][1:] == [(10, 10, 20, 20)] * 2


def test_neighbours_are_asked_for_first_or_not_at_all():
    crop, neighbours = {"name": "crop_border", "fraction": 0.1}, {"name": "neighbouring_slices"}
    chain = TypeAdapter(steps.Chain)
    assert steps.slices_at_once(chain.validate_python([neighbours, crop])) == 3
    with pytest.raises(ValidationError, match="neighbouring_slices must come before"):
        chain.validate_python([crop, neighbours])


def test_cropping_an_eighth_of_each_side_keeps_the_middle():
    prepared = prepare_slice(RAMP, [steps.CropBorder(fraction=0.125)])
    np.testing.assert_array_equal(prepared.pixels, RAMP[:, 1:7, 1:7])
    assert prepared.box == (1, 1, 6, 6)


def test_a_crop_after_a_resize_counts_its_border_in_source_pixels():
    chain = [steps.Resize(height=16, width=16), steps.CropBorder(fraction=0.125)]
    assert prepare_slice(np.zeros((1, 64, 32)), chain).box == (8, 4, 48, 24)


def test_cropping_to_the_head_leaves_its_box_and_the_margin():
    picture = np.zeros((1, 40, 60), np.float32)
    picture[0, 10:30, 20:40] = 100
    prepared = prepare_slice(picture, [steps.CropToHead(margin=0.1)])
    np.testing.assert_array_equal(prepared.pixels, picture[:, 8:32, 18:42])
    assert prepared.box == (8, 18, 24, 24)


def test_a_margin_ends_at_the_border_of_the_slice():
    picture = np.zeros((1, 40, 40), np.float32)
    picture[0, 1:30, 20:39] = 100
    assert prepare_slice(picture, [steps.CropToHead(margin=0.5)]).box == (0, 10, 40, 30)


def test_a_slice_without_a_head_is_not_cropped():
    assert prepare_slice(np.zeros((1, 8, 9)), [steps.CropToHead()]).box == (0, 0, 8, 9)


def test_a_map_comes_back_to_where_the_head_was():
    picture = np.zeros((1, 40, 60), np.float32)
    picture[0, 10:30, 20:40] = 100
    chain = [steps.CropToHead(margin=0), steps.Resize(height=10, width=10)]
    restored = restore_map(np.ones((10, 10)), prepare_slice(picture, chain))
    np.testing.assert_array_equal(restored > 0, picture[0] > 0)


def test_stretching_maps_the_percentiles_to_0_and_1():
    prepared = prepare_slice(RAMP, [steps.PercentileStretch(low=0, high=100)])
    np.testing.assert_allclose(prepared.pixels, RAMP / 63, atol=1e-6)


def test_a_flat_slice_stretches_to_zero_without_a_warning():
    assert not prepare_slice(np.full((1, 8, 8), 7.0), [steps.PercentileStretch()]).pixels.any()


def test_the_files_window_is_applied():
    prepared = prepare_slice(RAMP, [steps.Voi()], voi=Window(32, 64, "LINEAR_EXACT"))
    np.testing.assert_allclose(prepared.pixels, RAMP / 64, atol=1e-6)


def test_a_fixed_window_ignores_the_files():
    chain = [steps.FixedWindow(center=40, width=80)]
    values = np.array([[[-1000.0, 39.5, 1000.0]]])
    found = prepare_slice(values, chain, voi=Window(0, 1)).pixels
    np.testing.assert_allclose(found, [[[0, 0.5, 1]]], atol=0.01)


def test_contrast_is_in_units_of_the_mean_absolute_deviation():
    picture = np.array([[[0.0, 0.0], [0.0, 8.0]]])
    # The mean is 2, the deviations -2 and 6, their mean size 3.
    found = prepare_slice(picture, [steps.ContrastNormalise(low=-1, high=3)]).pixels
    np.testing.assert_allclose(found, [[[1 / 12, 1 / 12], [1 / 12, 3 / 4]]], rtol=1e-6)


def test_contrast_outside_the_range_is_clipped():
    picture = np.array([[[0.0, 0.0], [0.0, 8.0]]])
    found = prepare_slice(picture, [steps.ContrastNormalise(low=-0.5, high=1)]).pixels
    np.testing.assert_array_equal(found, [[[0, 0], [0, 1]]])


def test_contrast_does_not_ask_for_brightness_or_gain():
    chain = [steps.ContrastNormalise()]
    np.testing.assert_allclose(
        prepare_slice(5 + 3 * RAMP, chain).pixels, prepare_slice(RAMP, chain).pixels, atol=1e-6
    )


def test_a_flat_slice_has_no_contrast():
    assert (prepare_slice(np.full((1, 8, 8), 7.3), [steps.ContrastNormalise()]).pixels == 0.5).all()


def test_a_range_of_contrast_that_is_none_is_refused():
    with pytest.raises(ValueError, match="low is 2, not below high, 1"):
        steps.ContrastNormalise(low=2, high=1)


def test_clahe_raises_the_contrast_of_a_dull_corner():
    picture = np.random.default_rng(0).uniform(0.4, 0.5, (1, 64, 64))
    picture[:, 32:] = 1.0
    enhanced = prepare_slice(picture, [steps.Clahe()]).pixels
    assert enhanced[0, :24, :24].std() > 2 * picture[0, :24, :24].std()
    assert enhanced.min() >= 0
    assert enhanced.max() <= 1


def test_robust_z_is_half_at_the_median_and_zero_outside_the_head():
    picture = np.zeros((1, 40, 40), np.float32)
    picture[0, 8:32, 8:32] = np.random.default_rng(0).normal(100, 5, (24, 24))
    prepared = prepare_slice(picture, [steps.RobustZInMask(erode=2)])
    assert prepared.mask is not None and prepared.mask.sum() == 20 * 20
    assert np.median(prepared.pixels[0][prepared.mask]) == pytest.approx(0.5, abs=1e-3)
    assert not prepared.pixels[0][~prepared.mask].any()


def test_robust_z_of_an_empty_slice_is_zero():
    prepared = prepare_slice(np.zeros((1, 16, 16)), [steps.RobustZInMask()])
    assert not prepared.pixels.any()


def test_the_head_is_the_largest_region_with_its_holes_filled():
    plane = np.zeros((20, 20))
    plane[4:16, 4:16] = 1.0
    plane[8:10, 8:10] = 0.0
    plane[0, 0] = 1.0
    assert head_mask(plane, erode=0).sum() == 12 * 12


def test_restoring_puts_the_map_where_the_crop_was():
    prepared = prepare_slice(np.zeros((1, 64, 64)), [steps.CropBorder(fraction=0.25)])
    restored = restore_map(np.ones((32, 32), np.float32), prepared)
    assert restored[16:48, 16:48].all()
    assert restored.sum() == 32 * 32


def test_restoring_drops_the_map_outside_the_mask():
    picture = np.zeros((1, 40, 40), np.float32)
    picture[0, 8:32, 8:32] = np.random.default_rng(0).normal(100, 5, (24, 24))
    prepared = prepare_slice(picture, [steps.RobustZInMask(erode=0)])
    assert restore_map(np.ones((40, 40), np.float32), prepared).sum() == prepared.mask.sum()


def test_a_bright_spot_comes_back_to_its_own_place():
    picture = np.zeros((1, 100, 60), np.float32)
    picture[0, 70:74, 20:24] = 1
    prepared = prepare_slice(picture, [steps.CropBorder(fraction=0.1), steps.Resize(height=40, width=24)])
    restored = restore_map(prepared.pixels[0], prepared)
    row, column = np.unravel_index(restored.argmax(), restored.shape)
    assert 69 <= row <= 74 and 19 <= column <= 24


@given(st.integers(16, 90), st.integers(16, 90), st.floats(0.01, 0.4), st.integers(8, 40))
def test_a_map_always_comes_back_on_the_sources_size(height, width, fraction, side):
    chain = [steps.CropBorder(fraction=fraction), steps.Resize(height=side, width=side)]
    prepared = prepare_slice(np.zeros((1, height, width)), chain)
    assert restore_map(np.zeros((side, side)), prepared).shape == (height, width)


def test_resampling_to_the_same_size_changes_nothing():
    np.testing.assert_array_equal(resample(RAMP[0], height=8, width=8), RAMP[0])


def test_resampling_keeps_the_mean():
    plane = np.random.default_rng(0).random((64, 64))
    assert resample(plane, height=16, width=16).mean() == pytest.approx(plane.mean(), abs=0.01)


def test_the_input_is_left_as_it_was():
    before = RAMP.copy()
    prepare_slice(RAMP, [steps.Voi(), steps.Resize(height=16, width=16), steps.PercentileStretch()])
    np.testing.assert_array_equal(RAMP, before)


def test_robust_z_takes_the_region_that_the_chain_has_found():
    pixels = np.zeros((1, 12, 40, 40))
    pixels[:, :, 8:32, 8:32] = 100 + np.random.default_rng(0).normal(0, 5, (12, 24, 24))
    chain = [steps.Mask(region="head"), steps.RobustZInMask(erode=2)]
    [*_others, last] = prepare_image(volume_of(pixels), chain)
    assert last.mask is not None
    assert (last.mask.sum(), (last.pixels > 0).sum()) == pytest.approx((20 * 20, 20 * 20), abs=16)
