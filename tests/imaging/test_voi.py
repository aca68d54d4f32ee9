"""The display functions of PS3.3 C.11.2.1, to the number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.errors import UnsupportedImageError
from imaging.image import LookupTable, Window
from imaging.voi import apply_voi, mirror

VALUES = np.linspace(-50, 300, 141, dtype=np.float32)
WINDOWS = st.builds(
    Window,
    st.floats(-100, 100),
    st.floats(2, 500),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)


def test_window_of_256_maps_0_to_255_exactly():
    shown = apply_voi(np.array([-1.0, 0.0, 127.5, 255.0, 256.0]), Window(128, 256))
    np.testing.assert_allclose(shown, [0, 0, 0.5, 1, 1], atol=1e-7)


def test_linear_exact_has_no_half_pixel():
    shown = apply_voi(np.array([0.0, 128.0, 256.0]), Window(128, 256, "LINEAR_EXACT"))
    np.testing.assert_allclose(shown, [0, 0.5, 1])


def test_sigmoid_is_a_half_at_its_centre_and_flat_far_away():
    shown = apply_voi(np.array([-1e9, 10.0, 15.0, 1e9]), Window(10, 20, "SIGMOID"))
    np.testing.assert_allclose(shown, [0, 0.5, 1 / (1 + np.exp(-1)), 1], atol=1e-6)


def test_a_lut_holds_its_ends():
    table = LookupTable(10, np.array([0, 0.25, 1], np.float32))
    np.testing.assert_array_equal(apply_voi(np.array([-5.0, 10, 11, 12, 99]), table), [0, 0, 0.25, 1, 1])


def test_without_a_voi_the_range_is_stretched():
    np.testing.assert_array_equal(apply_voi(np.array([2.0, 3.0, 4.0]), None), [0, 0.5, 1])


def test_a_flat_image_without_a_voi_is_black():
    np.testing.assert_array_equal(apply_voi(np.full(3, 7.0), None), [0, 0, 0])


def test_a_linear_window_below_1_is_refused():
    with pytest.raises(UnsupportedImageError, match=r"cannot be 0\.5 wide"):
        apply_voi(VALUES, Window(0, 0.5))


@given(WINDOWS, st.floats(-100, 100))
def test_a_mirrored_window_shows_the_inverse(window, around):
    shown = apply_voi(around - VALUES.astype(np.float64), mirror(window, around))
    np.testing.assert_allclose(shown, 1 - apply_voi(VALUES, window), atol=1e-4)


@given(WINDOWS)
def test_more_is_never_darker(window):
    assert (np.diff(apply_voi(VALUES, window)) >= 0).all()
