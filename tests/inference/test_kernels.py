import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.kernels import along, weights

RAMP = np.arange(12, dtype=np.float32)


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
def test_the_voxels_themselves_are_read_as_they_are(interpolation):
    np.testing.assert_allclose(weights(np.arange(12.0), 12, interpolation=interpolation) @ RAMP, RAMP)


def test_a_ramp_is_read_between_its_voxels_and_held_at_its_ends():
    places = np.array([-3.0, 2.25, 7.5, 14.0])
    np.testing.assert_allclose(weights(places, 12, interpolation="linear") @ RAMP, [0, 2.25, 7.5, 11])
    np.testing.assert_allclose(weights(places[1:3], 12, interpolation="cubic") @ RAMP, [2.25, 7.5], rtol=1e-6)


def test_nearest_makes_no_value_that_was_not_there():
    labels = np.array([0, 7, 7, 0, 3], np.float32)
    read = weights(np.linspace(0, 4, 23), 5, interpolation="nearest") @ labels
    assert set(read) == {0, 3, 7}


@given(st.integers(1, 40), st.floats(0.2, 6), st.sampled_from(["nearest", "linear", "cubic"]))
def test_a_flat_volume_stays_flat(count, factor, interpolation):
    places = np.arange(max(1, round(count / factor))) * factor
    read = weights(places, count, interpolation=interpolation, widening=max(1.0, factor)) @ np.full(
        count, 5.0
    )
    np.testing.assert_allclose(read, 5, rtol=1e-5)


def test_a_pattern_finer_than_the_new_grid_becomes_grey_and_does_not_alias():
    stripes = np.tile([0.0, 1.0], 32)
    places = np.arange(4.0, 60, 4)
    assert set(weights(places, 64, interpolation="linear") @ stripes) == {0}
    read = weights(places, 64, interpolation="linear", widening=4) @ stripes
    np.testing.assert_allclose(read, 0.5, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_is_read_along_itself(axis):
    volume = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    places = np.array([0.5, 2.0])
    read = along(volume, axis, weights(places, volume.shape[axis], interpolation="linear"))
    expected = np.stack([(volume.take(0, axis) + volume.take(1, axis)) / 2, volume.take(2, axis)], axis=axis)
    np.testing.assert_allclose(read, expected, rtol=1e-6)
