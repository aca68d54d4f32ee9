"""One score a patient, by the rule that the bundle will score volumes with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from inference.session import GraphOutput
from inference.steps import Chain
from tests.inference.volumes import centred, image_of
from tests.training.tiny import tables
from training.calibrate import calibrate
from training.config import parse_config
from training.data.data_set import Sample

AFFINE = centred(np.eye(3), (4, 8, 8))


class MeanSession:
    """A slice scores as its mean."""

    def run(self, images: np.ndarray) -> GraphOutput:
        return GraphOutput(images.mean(axis=(1, 2, 3)), images[:, 0], None)


def volume(patient: str, *values: float) -> Sample:
    pixels = np.array(values)[:, None, None] * np.ones((len(values), 8, 8))
    return Sample(patient, patient, image_of(pixels, AFFINE))


def picture(patient: str, value: float) -> Sample:
    image = image_of(np.full((1, 8, 8), value), AFFINE)
    return Sample(patient, patient, type(image)(**{**vars(image), "pixels": image.pixels[0]}))


def scores(samples: list[Sample], rule: Any) -> tuple[float, ...]:
    config = parse_config({**tables(Path("x")), "volume_score": rule})
    config = config.model_copy(update={"preprocessing": TypeAdapter(Chain).validate_python([])})
    return calibrate(config, MeanSession(), samples).scores  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("max", (4, 9)),
        ("mean", (2.5, 6)),
        ({"rule": "top_mean", "slices": 2}, (3.5, 8)),
        ({"rule": "quantile", "share": 0.5}, (2.5, 7)),
    ],
)
def test_a_patients_volume_scores_by_the_rule(rule, expected):
    samples = [volume("a", 1, 2, 3, 4), volume("b", 2, 7, 9)]
    assert scores(samples, rule) == pytest.approx(expected)


def test_a_patient_with_two_volumes_has_the_higher_score_of_them():
    samples = [volume("a", 1, 5), volume("a", 2, 2, 2), volume("b", 0, 0)]
    assert scores(samples, "mean") == pytest.approx((0, 3))


def test_pictures_of_one_patient_count_as_the_slices_of_a_volume():
    samples = [picture("a", 1), picture("a", 5), picture("b", 2)]
    assert scores(samples, "mean") == pytest.approx((2, 3))
