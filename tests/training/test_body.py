import numpy as np
import pytest

from training.body import body_mask, outside_body
from training.data.arrays import image_of_array


def chest() -> np.ndarray:
    """Bright with a dark lung inside, black on the left, and a bright letter in the black."""
    plane = np.full((20, 20), 0.8)
    plane[:, :6] = 0
    plane[8:12, 12:16] = 0.02
    plane[2:4, 2:4] = 1
    return plane


def test_black_at_the_edge_is_no_body_and_a_dark_lung_is():
    mask = body_mask(chest())
    assert mask[:, 6:].all()
    assert not mask[:, :6].any()


def test_a_picture_without_surroundings_is_all_body():
    assert body_mask(np.full((10, 10), 7.0)).all()


def test_the_rule_does_not_ask_for_a_unit():
    np.testing.assert_array_equal(body_mask(chest()), body_mask(chest() * 2000 - 1000))


def test_the_share_outside_counts_a_signed_map_from_its_lowest_value():
    anomaly_map = np.full((1, 20, 20), -1.0)
    anomaly_map[0, 0, 0], anomaly_map[0, 10, 10] = 0.0, 2.0  # 1 outside, 3 inside
    assert outside_body(image_of_array(chest()), anomaly_map) == (pytest.approx(0.25), pytest.approx(0.3))


def test_an_empty_map_has_no_share():
    share, _area = outside_body(image_of_array(chest()), np.zeros((1, 20, 20)))
    assert np.isnan(share)
