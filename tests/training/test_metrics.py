from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from training import metrics
from training.metrics import Levels, levels_of_pixels, levels_of_scores

# Few distinct values, so that ties are common; both labels present.
scored = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=2, max_size=40).filter(
    lambda pairs: len({label for _score, label in pairs}) == 2
)


def figure(metric: Callable[[Levels], np.ndarray], scores: list[float], labels: list[int]) -> float:
    weights = np.ones((1, len(scores)))
    return float(metric(levels_of_scores(np.array(scores, float), np.array(labels), weights))[0])


@given(scored)
def test_auroc_is_that_of_scikit_learn(pairs: list[tuple[int, int]]):
    scores, labels = zip(*pairs, strict=True)
    assert figure(metrics.auroc, scores, labels) == pytest.approx(roc_auc_score(labels, scores))


@given(scored)
def test_auprc_is_scikit_learns_average_precision(pairs: list[tuple[int, int]]):
    scores, labels = zip(*pairs, strict=True)
    assert figure(metrics.auprc, scores, labels) == pytest.approx(average_precision_score(labels, scores))


@given(scored, st.integers(0, 9999))
def test_a_weight_of_two_is_an_image_that_is_there_twice(pairs: list[tuple[int, int]], seed: int):
    counts = np.random.default_rng(seed).integers(0, 3, len(pairs))
    assume(counts.any())
    scores, labels = (np.array(column) for column in zip(*pairs, strict=True))
    weighted = levels_of_scores(scores, labels, counts[None].astype(float))
    twice = np.repeat(scores, counts), np.repeat(labels, counts)
    repeated = levels_of_scores(*twice, np.ones((1, int(counts.sum()))))
    for metric in (metrics.auroc, metrics.auprc, metrics.fpr95, metrics.best_dice):
        np.testing.assert_allclose(metric(weighted), metric(repeated))


def test_an_inverted_score_is_shown_as_it_is():
    assert figure(metrics.auroc, [3, 2, 1, 0], [0, 0, 1, 1]) == 0.0


def test_a_score_that_knows_nothing_has_auroc_one_half():
    assert figure(metrics.auroc, [1, 1, 1, 1], [0, 1, 0, 1]) == 0.5


@pytest.mark.parametrize("metric", [metrics.auroc, metrics.auprc, metrics.fpr95, metrics.best_dice])
def test_without_anomalous_images_there_is_no_figure(metric: Callable[[Levels], np.ndarray]):
    assert np.isnan(figure(metric, [1, 2], [0, 0]))


def test_fpr95_counts_the_normals_above_the_threshold_that_finds_19_of_20():
    scores = [*range(100, 119), 1, 50, 105, 0, 0]  # anomalous: 19 high and one at 1; normal: 50, 105, 0, 0
    assert figure(metrics.fpr95, scores, [1] * 20 + [0] * 4) == 1 / 4


def test_best_dice_is_that_of_the_best_single_threshold():
    # From 4 up: two hits, no alarm, one missed. With all flagged it is 6 / 8.
    assert figure(metrics.best_dice, [5, 4, 3, 1, 0], [1, 1, 0, 0, 1]) == pytest.approx(4 / 5)


def test_dice_at_a_threshold_pools_the_pixels_of_all_images():
    maps = [np.array([[[3.0, 3, 0, 0]]]), np.array([[[3.0, 0, 0, 0]]])]
    masks = [np.array([[[1, 0, 0, 0]]], bool), np.array([[[1, 1, 0, 0]]], bool)]
    dice = metrics.dice_at(maps, masks, 1.0)
    assert dice(np.ones((1, 2)))[0] == pytest.approx(2 * 2 / (3 + 3))
    assert dice(np.array([[1.0, 0.0]]))[0] == pytest.approx(2 * 1 / (2 + 1))


def test_pixel_figures_of_few_values_are_exact():
    values = np.random.default_rng(0).integers(0, 50, (3, 1, 20, 20)).astype(float)
    masks = values + np.random.default_rng(1).normal(0, 15, values.shape) > 40
    pooled = levels_of_pixels(list(values), list(masks)).pooled(np.ones((1, len(values))))
    expected = average_precision_score(masks.ravel(), values.ravel())
    assert metrics.auprc(pooled)[0] == pytest.approx(expected, abs=1e-9)


def test_pixel_figures_of_many_values_are_right_to_the_third_decimal():
    values = np.random.default_rng(0).normal(size=(4, 1, 64, 64))
    masks = values + np.random.default_rng(1).normal(size=values.shape) > 2.5
    pooled = levels_of_pixels(list(values), list(masks)).pooled(np.ones((1, len(values))))
    expected = average_precision_score(masks.ravel(), values.ravel())
    assert metrics.auprc(pooled)[0] == pytest.approx(expected, abs=1e-3)


def test_the_share_flagged_is_weighted():
    share = metrics.share_of(np.array([True, False]))
    np.testing.assert_allclose(share(np.array([[1.0, 1.0], [3.0, 1.0]])), [0.5, 0.75])


def test_a_components_pixels_weigh_one_together_and_a_corner_connects():
    mask = np.array([[[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]]], bool)
    np.testing.assert_allclose(
        metrics.component_weights(mask), [[[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 0, 0]]]
    )


def aupro(anomaly_map: list[float], gt_mask: list[int]) -> float:
    """Of one image that is one row of pixels."""
    values, mask = np.array([[anomaly_map]], float), np.array([[gt_mask]], bool)
    return float(metrics.aupro(levels_of_pixels([values], [mask]).by_component(np.ones((1, 1))))[0])


def test_aupro_counts_a_lesion_of_one_pixel_as_much_as_one_of_three():
    # Ten normal pixels, all at 0. The large lesion is above them, the small one below: recall 1/2 up to
    # 0.3, of which a count by pixels would make 3/4.
    assert aupro([9, 9, 9, *[1] * 10, 0], [1, 1, 1, *[0] * 10, 1]) == pytest.approx(0.5)


def test_aupro_goes_to_a_false_alarm_rate_of_three_tenths_and_no_further():
    # One of two lesions is found before any alarm, the other after two of ten: (0.2 x 0.5 + 0.1 x 1) / 0.3.
    values, mask = [9, 8, 7, *[1] * 8, 6], [1, *[0] * 10, 1]
    assert aupro(values, mask) == pytest.approx((0.2 * 0.5 + 0.1 * 1) / 0.3)


def test_aupro_of_a_map_that_knows_nothing_is_the_area_under_the_diagonal():
    assert aupro([5] * 8, [1, 1, 0, 0, 0, 0, 0, 1]) == pytest.approx(0.5 * 0.3)


def test_aupro_weighs_the_images_of_a_resample():
    found, missed = np.array([[[5.0, 0, 0, 0]]]), np.array([[[0.0, 5, 5, 5]]])
    mask = np.array([[[1, 0, 0, 0]]], bool)
    levels = levels_of_pixels([found, missed], [mask, mask]).by_component(np.array([[1.0, 0], [0, 1]]))
    np.testing.assert_allclose(metrics.aupro(levels), [1.0, 0.0])


def test_without_a_lesion_there_is_no_aupro():
    levels = Levels(np.zeros((1, 2)), np.ones((1, 2)))
    assert np.isnan(metrics.aupro(levels)[0])
