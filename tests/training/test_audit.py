from dataclasses import replace

import numpy as np
import pytest

from imaging.image import Image
from inference.manifest import Metric
from inference.map_planes import MapPlanes
from inference.scoring import ImageResult
from training.audit import (
    OutsideBody,
    audit,
    auroc_within,
    border_mean,
    low_passed,
    map_border_mean,
    sharpness,
    strata_of,
)
from training.data.arrays import image_of_array
from training.data.data_set import Sample
from training.scoring import ScoredSplit


def test_the_quintiles_of_ten_values_hold_two_each():
    assert strata_of(np.array([9, 0, 8, 1, 7, 2, 6, 3, 5, 4])).tolist() == [4, 0, 4, 0, 3, 1, 3, 1, 2, 2]


def test_equal_values_share_a_stratum():
    assert len(set(strata_of(np.ones(10)).tolist())) == 1


def within(scores: list[float], labels: list[int], strata: list[int]) -> float:
    figure = auroc_within(np.array(scores), np.array(labels), np.array(strata))
    return float(figure(np.ones((1, len(scores))))[0])


def test_a_score_that_only_repeats_the_scalar_is_worth_nothing_within_it():
    scores = [0.0, 0, 1, 1]
    assert within(scores, [0, 1, 0, 1], strata_of(np.array(scores)).tolist()) == 0.5


def test_only_pairs_of_one_stratum_are_compared():
    # In stratum 0 the anomalous image is above, in stratum 1 one of two is; across strata nothing counts.
    found = within([1.0, 2, 30, 10, 20], [0, 1, 0, 1, 1], [0, 0, 1, 1, 1])
    assert found == pytest.approx((1 * 1.0 + 2 * 0.0) / 3)


def test_strata_without_a_pair_give_no_figure():
    assert np.isnan(within([1.0, 2], [0, 1], [0, 1]))


def test_the_figure_within_strata_weighs_the_images_of_a_resample():
    figure = auroc_within(np.array([1.0, 2, 4, 3]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(figure(np.array([[1.0, 1, 1, 1], [3, 1, 1, 1], [0, 1, 1, 1]])), [0.5, 0.75, 0])


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


def planes_of(anomaly_map: np.ndarray) -> MapPlanes:
    """The map of a network that is as large as the image."""
    depth, rows, columns = anomaly_map.shape
    return MapPlanes(anomaly_map, np.array([[0, 0, rows, columns]] * depth), (rows, columns))


def split(images: list[Image], labels: np.ndarray, maps: list[np.ndarray]) -> ScoredSplit:
    """Images whose score is their label, each of a patient of its own."""
    samples = [
        Sample(str(index), str(index), image, int(label))
        for index, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    results = [
        ImageResult(
            float(label),
            50.0,
            0.5,
            {},
            None,
            (float(label),),
            {0: float(label)},
            found,
            planes_of(found),
            1.0,
            (),
            (),
        )
        for label, found in zip(labels, maps, strict=True)
    ]
    return ScoredSplit(tuple(samples), tuple(results), 1.0)


def test_a_set_that_brightness_separates_is_shown_as_such():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    images = [image_of_array(rng.integers(0, 100, (16, 16)) + 100 * label) for label in labels]
    found = audit(split(images, labels, [np.ones((1, 16, 16))] * 40), None).nuisances
    assert found["mean"].auroc == Metric(value=1.0, low=1.0, high=1.0)
    assert found["pixels"].auroc.value == 0.5
    assert found["mean"].method_auroc_within_quintiles.value == 1.0  # in the middle quintile, which has both


def test_low_passed_scores_have_a_figure_of_their_own():
    labels = np.array([0, 0, 1, 1])
    scored = split([image_of_array(np.eye(16))] * 4, labels, [np.ones((1, 16, 16))] * 4)
    assert audit(scored, None).low_passed_auroc is None
    assert audit(scored, np.array([3.0, 2, 1, 0])).low_passed_auroc.value == 0.0


def test_a_low_passed_image_keeps_its_mean_and_loses_its_checkerboard():
    board = np.indices((128, 128)).sum(axis=0) % 2.0
    smooth = low_passed(image_of_array(board)).pixels[0]
    assert smooth.mean() == pytest.approx(0.5)
    assert sharpness(smooth) < 1e-3 * sharpness(board)


def test_the_slices_of_a_volume_are_low_passed_alone():
    image = image_of_array(np.zeros((64, 64)))
    pixels = np.zeros((1, 3, 64, 64), np.float32)
    pixels[0, 1] = 1
    volume = low_passed(replace(image, pixels=pixels))
    np.testing.assert_allclose(volume.pixels, pixels, atol=1e-6)


def test_the_maps_mass_outside_the_body_is_told_by_class():
    plane = np.zeros((8, 8))
    plane[2:6, 2:6] = 1  # a body of a quarter of the picture
    inside = plane[None].copy()
    everywhere = np.ones((1, 8, 8))
    scored = split([image_of_array(plane)] * 2, np.array([0, 1]), [inside, everywhere])
    assert audit(scored, None).outside_body == {
        "normal": OutsideBody(map_share=0.0, area=0.75),
        "anomalous": OutsideBody(map_share=0.75, area=0.75),
    }
