"""The fuzzer's laws hold for every seed; the fuzzer itself runs by hand, see `run.py`."""

import pytest

from tests.fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("kind", TARGETS)
def test_the_laws_hold_for_every_seed(kind: str):
    files = seeds(kind)
    assert len(files) >= 2
    for content in files:
        TARGETS[kind](content)
