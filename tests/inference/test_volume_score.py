import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from inference.volume_score import Quantile, TopMean, VolumeScore, in_words, volume_score

SCORES = np.array([3.0, 1.0, 2.0, 9.0, 5.0])


@pytest.mark.parametrize(
    ("rule", "score"),
    [
        ("max", 9),
        ("mean", 4),
        (TopMean(slices=2), 7),
        (TopMean(slices=100), 4),
        (Quantile(share=0.75), 5),
        (Quantile(share=1), 9),
    ],
)
def test_a_rule_makes_one_score_of_a_volumes_slices(rule, score):
    assert volume_score(SCORES, rule) == score


@pytest.mark.parametrize("rule", ["max", "mean", TopMean(slices=3), Quantile(share=0.9)])
def test_a_single_slice_scores_as_itself(rule):
    assert volume_score(np.array([2.5]), rule) == 2.5


def test_a_card_says_the_rule_in_words():
    said = [in_words(rule) for rule in ("max", "mean", TopMean(slices=3), Quantile(share=0.9))]
    assert said[2:] == ["the mean of its 3 highest slices'", "the 0.9 quantile of its slices'"]
    assert len(set(said)) == 4


def test_a_manifest_says_a_rule_in_a_word_or_a_table():
    read = TypeAdapter(VolumeScore).validate_python
    assert read("max") == "max"  # as in bundles that were made before there were others
    assert read({"rule": "quantile", "share": 0.9}) == Quantile(share=0.9)
    for wrong in ("median", {"rule": "top_mean"}, {"rule": "quantile", "share": 0.2}):
        with pytest.raises(ValidationError):
            read(wrong)
