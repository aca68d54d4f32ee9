from dataclasses import replace

import numpy as np
import pytest

from inference.bundle import Bundle
from inference.predictor import Predictor
from training.data.arrays import image_of_array
from training.errors import DataError
from training.evaluation import Evaluation, measure
from training.fit import Splits
from training.scoring import ScoredSplit, score_split


@pytest.fixture(scope="module")
def scored(tiny_bundle: Bundle, tiny_splits: Splits) -> ScoredSplit:
    return score_split(Predictor.load(tiny_bundle), tiny_splits.test)


@pytest.fixture(scope="module")
def evaluation(tiny_bundle: Bundle, scored: ScoredSplit) -> Evaluation:
    return measure(tiny_bundle, scored, {"coin": np.zeros(16)})


def test_what_was_scored_is_counted(evaluation: Evaluation):
    assert (evaluation.images, evaluation.anomalous, evaluation.patients) == (16, 8, 16)
    assert (evaluation.bundle, evaluation.method, evaluation.out_of_scope) == ("discs@1.0.0", "atlas", 0)


def test_bright_squares_are_told_from_normals(evaluation: Evaluation):
    assert evaluation.metrics["image_auroc"].value == 1.0
    assert evaluation.metrics["image_fpr95"].value == 0.0
    assert not evaluation.is_inverted


def test_dice_is_that_of_the_predicted_masks_of_all_images(evaluation: Evaluation, scored: ScoredSplit):
    predicted = np.stack([result.pred_mask for result in scored.results])
    reference = np.stack([sample.gt_mask for sample in scored.samples])
    expected = 2 * (predicted & reference).sum() / (predicted.sum() + reference.sum())
    assert evaluation.metrics["pixel_dice"].value == pytest.approx(expected)
    assert evaluation.metrics["pixel_best_dice"].value >= expected


def test_without_masks_there_are_no_figures_of_pixels(tiny_bundle: Bundle, scored: ScoredSplit):
    bare = tuple(replace(sample, gt_mask=None) for sample in scored.samples)
    found = measure(tiny_bundle, replace(scored, samples=bare), {}).metrics
    assert not [name for name in found if name.startswith("pixel")]


def test_every_operating_point_with_a_threshold_is_measured(evaluation: Evaluation):
    # 21 calibration patients suffice for 5 % and 10 %, not for 1 %.
    points = {name for name in evaluation.metrics if "_at_" in name}
    assert points == {
        "false_alarm_rate_at_5%",
        "sensitivity_at_5%",
        "false_alarm_rate_at_10%",
        "sensitivity_at_10%",
    }


def test_a_baseline_is_measured_in_the_same_way(evaluation: Evaluation):
    assert evaluation.baselines["coin"]["image_auroc"].value == 0.5


def test_a_split_of_normals_has_false_alarms_and_no_auroc(tiny_bundle: Bundle, scored: ScoredSplit):
    normals = ScoredSplit(scored.samples[:8], scored.results[:8], 1.0)
    found = measure(tiny_bundle, normals, {}).metrics
    assert set(found) == {"false_alarm_rate_at_5%", "false_alarm_rate_at_10%"}


def test_an_inverted_score_is_flagged_and_not_flipped(tiny_bundle: Bundle, scored: ScoredSplit):
    swapped = tuple(replace(sample, gt_label=1 - sample.gt_label) for sample in scored.samples)
    found = measure(tiny_bundle, replace(scored, samples=swapped), {})
    assert found.metrics["image_auroc"].value == 0.0
    assert found.is_inverted


def test_images_out_of_scope_are_scored_and_counted(tiny_bundle: Bundle, tiny_splits: Splits):
    sample = tiny_splits.test[0]
    negative = replace(sample, image=image_of_array(255 - sample.image.pixels[0]))
    split = score_split(Predictor.load(tiny_bundle), [sample, negative])
    assert measure(tiny_bundle, split, {}).out_of_scope == 1


def test_a_mask_of_another_size_is_refused_by_the_images_name(tiny_bundle: Bundle, tiny_splits: Splits):
    wrong = replace(tiny_splits.test[3], gt_mask=np.zeros((1, 9, 9), bool))
    with pytest.raises(DataError, match=r"the mask of t3-3 is \(1, 9, 9\)"):
        score_split(Predictor.load(tiny_bundle), [wrong])


def test_nothing_to_score_is_said(tiny_bundle: Bundle):
    with pytest.raises(DataError, match="needs a test split"):
        score_split(Predictor.load(tiny_bundle), [])


def test_an_evaluation_survives_being_written(evaluation: Evaluation):
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
