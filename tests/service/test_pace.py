"""The line through what jobs took of late."""

import pytest

from service.pace import Pace, paces_by_model


def after(*jobs: tuple[int, float]) -> Pace:
    pace = Pace()
    for size_bytes, seconds in jobs:
        pace = pace.after(size_bytes, seconds)
    return pace


def test_nothing_is_known_before_the_first_job():
    assert Pace().predict_s(1000) is None


def test_equal_jobs_take_as_long_as_before_whatever_comes():
    assert after((100, 2.0), (100, 2.0)).predict_s(5000) == 2.0


def test_a_fixed_share_and_one_by_the_byte_are_told_apart():
    assert after((1000, 2.0), (3000, 4.0)).predict_s(9000) == pytest.approx(10.0)


def test_more_bytes_never_take_less_time():
    assert after((1000, 4.0), (3000, 2.0)).predict_s(9000) == pytest.approx(3.0, rel=0.02)


def test_the_pace_follows_a_machine_that_became_slower():
    pace = after(*[(100, 1.0)] * 50, *[(100, 3.0)] * 100)
    assert pace.predict_s(100) == pytest.approx(3.0, abs=0.1)


def test_the_jobs_of_two_workers_make_one_line():
    found = paces_by_model([{"a": after((1000, 2.0))}, {"a": after((3000, 4.0)), "b": after((1, 7.0))}])
    assert found["a"].predict_s(2000) == pytest.approx(3.0)
    assert found["b"].predict_s(2000) == 7.0
