import pytest

from inference.manifest import Metric
from tests.training.test_compare import outcome
from training.audit import Nuisance
from training.bootstrap import Difference
from training.evaluation import Evaluation
from training.flags import flags


@pytest.fixture
def good() -> Evaluation:
    evaluation = outcome("atlas", 0, 0.9).evaluation
    assert evaluation is not None
    return evaluation


def test_a_good_evaluation_has_no_flag(good: Evaluation):
    assert flags(good) == []


def test_an_inverted_score_is_flagged(good: Evaluation):
    (flag,) = flags(good.model_copy(update={"metrics": {"image_auroc": Metric(value=0.49)}}))
    assert flag.startswith("Inverted: anomalous images score lower than normal ones here (AUROC below 0.5)")


def test_a_difference_whose_interval_reaches_zero_is_flagged(good: Evaluation):
    knn = {"baselines": {"knn": {"image_auroc": Metric(value=0.88)}}}
    beyond = Difference(value=0.02, low=-0.01, high=0.05, p_value=0.2)
    assert flags(good.model_copy(update={**knn, "beyond_best_baseline": beyond})) == [
        "Not shown to be better than knn, a trivial baseline."
    ]
    better = beyond.model_copy(update={"low": 0.001})
    assert flags(good.model_copy(update={**knn, "beyond_best_baseline": better})) == []


@pytest.mark.parametrize(("alone", "expected"), [(0.91, 1), (0.09, 1), (0.89, 0), (0.11, 0)])
def test_a_scalar_that_separates_as_well_in_either_direction_is_flagged(
    good: Evaluation, alone: float, expected: int
):
    nuisance = Nuisance(auroc=Metric(value=alone), method_auroc_within_quintiles=None)
    audit = good.audit.model_copy(update={"nuisances": {"sharpness": nuisance}})
    assert len(flags(good.model_copy(update={"audit": audit}))) == expected


def test_a_broken_promise_of_false_alarms_is_flagged_only_beyond_chance(good: Evaluation):
    def with_rate(low: float) -> list[str]:
        rate = {"false_alarm_rate_at_5%": Metric(value=0.12, low=low, high=0.2)}
        return flags(good.model_copy(update={"metrics": {**good.metrics, **rate}}))

    assert with_rate(0.04) == []
    assert with_rate(0.06) == ["More false alarms than promised at 5%: 0.120 of the test normals."]
