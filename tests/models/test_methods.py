"""What every registered method promises, asked of each in the same words."""

import inspect

import pytest
import torch

from models.method import AnomalyMethod, InputShape
from models.registry import METHODS
from tests.models.tiny_methods import build, normals, shape_of, train, with_lesion

pytestmark = pytest.mark.parametrize("name", METHODS, scope="module")


@pytest.fixture(scope="module")
def trained(name: str) -> AnomalyMethod:
    return train(name)


def pictures(name: str, count: int, *, seed: int) -> torch.Tensor:
    return normals(count, seed, channels=shape_of(name).channels)


def test_shapes_are_those_of_the_contract(name: str, trained: AnomalyMethod):
    images = pictures(name, 3, seed=1)
    prediction = trained(images)
    assert prediction.score.shape == (3,)
    assert prediction.anomaly_map.shape == (3, 1, 64, 64)
    assert prediction.reconstruction is None or prediction.reconstruction.shape == images.shape


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_flat_image_gets_a_finite_score_and_map(name: str, trained: AnomalyMethod, value: float):
    prediction = trained(torch.full((1, shape_of(name).channels, 64, 64), value))
    assert torch.isfinite(prediction.score).all()
    assert torch.isfinite(prediction.anomaly_map).all()


def test_a_planted_lesion_scores_higher(name: str, trained: AnomalyMethod):
    clean = pictures(name, 8, seed=2)
    assert (trained(with_lesion(clean)).score > trained(clean).score).all()


def test_the_map_is_highest_on_the_planted_lesion(name: str, trained: AnomalyMethod):
    anomaly_map = trained(with_lesion(pictures(name, 8, seed=2))).anomaly_map
    assert anomaly_map[:, :, 28:40, 24:36].mean() > 1.5 * anomaly_map.mean()


def test_an_image_scores_the_same_alone_and_in_a_batch(name: str, trained: AnomalyMethod):
    images = with_lesion(pictures(name, 4, seed=3))
    alone = torch.cat([trained(image[None]).score for image in images])
    torch.testing.assert_close(trained(images).score, alone, rtol=1e-4, atol=1e-6)


def test_the_input_is_left_as_it_was(name: str, trained: AnomalyMethod):
    images = pictures(name, 2, seed=4)
    before = images.clone()
    trained(images)
    assert torch.equal(images, before)


def test_a_checkpoint_holds_all_that_was_learned(name: str, trained: AnomalyMethod):
    images = with_lesion(pictures(name, 2, seed=5))
    copy = build(name).eval()
    copy.load_state_dict(trained.state_dict())
    # Where its weights lie in memory decides which of a processor's ways of adding up is taken.
    torch.testing.assert_close(copy(images).score, trained(images).score, rtol=1e-5, atol=1e-6)


def test_stages_are_the_same_every_time(name: str):
    method = build(name)
    assert [stage.name for stage in method.stages()] == [stage.name for stage in method.stages()]


def test_stage_names_differ(name: str):
    names = [stage.name for stage in build(name).stages()]
    assert len(set(names)) == len(names)


def test_the_file_cites_its_source(name: str):
    text = inspect.getdoc(inspect.getmodule(METHODS[name])) or ""
    assert "Source:" in text and "https://" in text


@pytest.mark.parametrize("side", [64, 128])
def test_defaults_take_64_and_128_pixels(name: str, side: int):
    method, shape = METHODS[name], InputShape(shape_of(name).channels, side, side)
    assert isinstance(method(shape, method.Options()), AnomalyMethod)
