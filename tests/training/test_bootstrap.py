import numpy as np
import pytest

from training.bootstrap import Difference, paired_difference, patient_weights, with_interval
from training.metrics import auroc, levels_of_scores, share_of

PATIENTS = ["a", "a", "b", "c", "c", "c"]


def auroc_of(scores: np.ndarray, labels: np.ndarray):
    return lambda weights: auroc(levels_of_scores(scores, labels, weights))


def test_the_images_of_a_patient_are_drawn_together():
    weights = patient_weights(PATIENTS, resamples=100, seed=0)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 1])
    np.testing.assert_array_equal(weights[:, 3], weights[:, 5])
    assert not np.array_equal(weights[:, 0], weights[:, 2])


def test_every_resample_draws_as_many_patients_as_there_are():
    weights = patient_weights(PATIENTS, resamples=100, seed=0)
    np.testing.assert_array_equal(weights[:, [0, 2, 3]].sum(axis=1), np.full(100, 3))


def test_a_perfect_score_has_no_spread():
    metric = auroc_of(np.arange(20.0), np.repeat([0, 1], 10))
    figure = with_interval(metric, [str(index) for index in range(20)])
    assert figure is not None
    assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)


def test_the_interval_of_a_share_is_that_of_the_binomial():
    figure = with_interval(share_of(np.arange(400) % 2 == 0), [str(index) for index in range(400)])
    assert figure is not None
    assert figure.value == 0.5
    # 1.96 standard errors of 0.025 each.
    assert (figure.low, figure.high) == (pytest.approx(0.451, abs=0.008), pytest.approx(0.549, abs=0.008))


def test_many_images_of_few_patients_are_less_sure():
    rng = np.random.default_rng(0)
    metric = auroc_of(rng.normal(size=200), np.repeat([0, 1], 100))
    alone = with_interval(metric, [str(index) for index in range(200)])
    shared = with_interval(metric, [str(index // 20) for index in range(200)])
    assert alone is not None and shared is not None
    assert alone.value == shared.value
    assert shared.high - shared.low != pytest.approx(alone.high - alone.low, abs=1e-3)


def test_the_same_seed_gives_the_same_interval():
    metric = auroc_of(np.array([1.0, 3, 2, 4, 0, 5]), np.array([0, 1, 0, 1, 1, 0]))
    assert with_interval(metric, list("abcdef")) == with_interval(metric, list("abcdef"))


def test_a_figure_that_is_undefined_is_none():
    assert with_interval(auroc_of(np.array([1.0, 2.0]), np.array([0, 0])), ["a", "b"]) is None


def test_a_figure_does_not_differ_from_itself():
    metric = auroc_of(np.array([1.0, 3, 2, 4, 0, 5]), np.array([0, 1, 0, 1, 1, 0]))
    found = paired_difference(metric, metric, list("abcdef"))
    assert found == Difference(value=0.0, low=0.0, high=0.0, p_value=1.0)


def test_a_score_that_is_right_where_the_other_is_wrong_differs_beyond_chance():
    labels, patients = np.repeat([0, 1], 20), [str(index) for index in range(40)]
    found = paired_difference(auroc_of(labels * 1.0, labels), auroc_of(labels * -1.0, labels), patients)
    # No resample has a difference of 0 or less: p is 2 x (0 + 1) / (2000 + 1).
    assert found == Difference(value=1.0, low=1.0, high=1.0, p_value=2 / 2001)


def test_pairing_tells_apart_what_two_intervals_cannot():
    rng = np.random.default_rng(0)
    labels, patients = np.repeat([0, 1], 60), [str(index) for index in range(120)]
    hard = rng.normal(size=120)
    good, bad = auroc_of(hard + labels, labels), auroc_of(hard + 0.8 * labels, labels)
    found, ours, theirs = (
        paired_difference(good, bad, patients),
        with_interval(good, patients),
        with_interval(bad, patients),
    )
    assert ours.low < theirs.high
    assert 0 < found.low < found.value < found.high and found.p_value < 0.01


def test_a_difference_from_an_undefined_figure_is_none():
    undefined = auroc_of(np.array([1.0, 2.0]), np.array([0, 0]))
    assert paired_difference(undefined, undefined, ["a", "b"]) is None
