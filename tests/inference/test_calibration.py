import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.calibration import decide, operating_point, p_value, percentile

SCORES = tuple(float(value) for value in range(1, 20))  # 19 normals: 1 .. 19


def test_a_score_above_all_normals_has_the_smallest_p_value():
    assert p_value(20.0, SCORES) == 1 / 20


def test_a_score_below_all_normals_has_p_value_one():
    assert p_value(0.0, SCORES) == 1.0


def test_a_score_equal_to_a_normals_counts_that_normal():
    assert p_value(19.0, SCORES) == 2 / 20


def test_the_percentile_is_the_share_of_normals_below():
    assert percentile(10.0, SCORES) == pytest.approx(100 * 9 / 19)


def test_19_normals_give_a_threshold_for_five_percent():
    assert operating_point("5%", false_alarm_rate=0.05, calibration_scores=SCORES).threshold == 19.0


def test_18_normals_give_none():
    assert operating_point("5%", false_alarm_rate=0.05, calibration_scores=SCORES[:18]).threshold is None


def test_a_point_without_a_threshold_decides_nothing():
    point = operating_point("1%", false_alarm_rate=0.01, calibration_scores=SCORES)
    assert decide(1e9, [point]) == {"1%": None}


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=60),
    st.floats(0.01, 0.5),
    st.integers(-1, 31),
)
def test_a_score_is_flagged_exactly_when_its_p_value_is_at_most_the_rate(normals, rate, score):
    scores = sorted(float(value) for value in normals)
    point = operating_point("x", false_alarm_rate=rate, calibration_scores=scores)
    flagged = decide(float(score), [point])["x"]
    assert bool(flagged) == (p_value(float(score), scores) <= rate + 1e-9)


def test_normals_are_flagged_no_more_often_than_the_rate():
    rng = np.random.default_rng(0)
    alarms = []
    for _ in range(300):
        scores = sorted(rng.normal(size=60).tolist())
        point = operating_point("10%", false_alarm_rate=0.1, calibration_scores=scores)
        alarms.append(np.mean([bool(decide(score, [point])["10%"]) for score in rng.normal(size=50)]))
    assert 0.08 < np.mean(alarms) <= 0.105
