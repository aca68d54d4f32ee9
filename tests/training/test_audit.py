import numpy as np
import pytest

from training.audit import audit, auroc_within, border_mean, map_border_mean, sharpness, strata_of
from training.data.arrays import image_of_array


def test_the_quintiles_of_ten_values_hold_two_each():
    assert strata_of(np.array([9, 0, 8, 1, 7, 2, 6, 3, 5, 4])).tolist() == [4, 0, 4, 0, 3, 1, 3, 1, 2, 2]


def test_equal_values_share_a_stratum():
    assert len(set(strata_of(np.ones(10)).tolist())) == 1


def test_a_score_that_only_repeats_the_scalar_is_worth_nothing_within_it():
    scores, labels = np.array([0.0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert auroc_within(scores, labels, strata_of(scores)) == 0.5


def test_only_pairs_of_one_stratum_are_compared():
    # In stratum 0 the anomalous image is above, in stratum 1 one of two is; across strata nothing counts.
    scores, labels = np.array([1.0, 2, 30, 10, 20]), np.array([0, 1, 0, 1, 1])
    strata = np.array([0, 0, 1, 1, 1])
    assert auroc_within(scores, labels, strata) == pytest.approx((1 * 1.0 + 2 * 0.0) / 3)


def test_strata_without_a_pair_give_no_figure():
    assert np.isnan(auroc_within(np.array([1.0, 2]), np.array([0, 1]), np.array([0, 1])))


def test_the_border_is_the_outermost_eighth():
    plane = np.zeros((16, 16))
    plane[:2] = 1  # 32 of the 256 - 144 pixels of the border
    plane[8, 8] = 99
    assert border_mean(plane) == pytest.approx(32 / 112)


def test_the_border_of_a_map_begins_where_the_network_saw_something():
    anomaly_map = np.zeros((1, 32, 32))
    anomaly_map[0, 8:24, 8:24] = 1
    assert map_border_mean(anomaly_map) == 1.0


def test_an_empty_map_has_an_empty_border():
    assert map_border_mean(np.zeros((1, 8, 8))) == 0.0


def test_a_checkerboard_is_sharper_than_its_average():
    board = np.indices((8, 8)).sum(axis=0) % 2.0
    assert sharpness(board) > 2
    assert sharpness(np.full((8, 8), 0.5)) == 0.0


def test_a_set_that_brightness_separates_is_shown_as_such():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    images = [image_of_array(rng.integers(0, 100, (16, 16)) + 100 * label) for label in labels]
    found = audit(images, labels.astype(float), labels)
    assert found["mean"].auroc == 1.0
    assert found["pixels"].auroc == 0.5
    assert found["mean"].method_auroc_within_quintiles == 1.0  # in the middle quintile, which holds both
