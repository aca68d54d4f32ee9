import pytest
import torch

from models.blocks.quality import CollapseError, QualityGate, check_quality, measure_quality, quality_features
from tests.models.tiny_methods import normals


def gate(fake: torch.Tensor) -> QualityGate:
    return QualityGate(lambda count: fake[:count], least_diversity=0.5, most_distance=0.5)


def test_two_points_have_half_the_diversity_of_two_twice_as_far_apart():
    found = measure_quality(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.5], [1.5]]))
    assert found.diversity == pytest.approx(0.5)
    # |r - g| is 0.5, 1.5, 1.5 and 0.5: (2 x 1 - 2 - 1) / 2
    assert found.distance == pytest.approx(-0.5)


def test_other_normals_are_as_diverse_and_near():
    found = measure_quality(quality_features(normals(200, seed=1)), quality_features(normals(200, seed=2)))
    assert found.diversity == pytest.approx(1, abs=0.1)
    assert found.distance == pytest.approx(0, abs=0.05)


def test_images_that_are_all_alike_stop_the_run_with_a_remedy():
    stage = gate(normals(1).expand(32, -1, -1, -1))
    stage.observe(normals(32, seed=1))
    with pytest.raises(CollapseError, match=r"0\.00 of the normals' diversity.*more steps"):
        stage.finalize()


def test_noise_stops_the_run():
    stage = gate(torch.rand(32, 1, 64, 64, generator=torch.Generator().manual_seed(0)))
    stage.observe(normals(32, seed=1))
    with pytest.raises(CollapseError, match="has collapsed or is not done"):
        stage.finalize()


def test_normals_pass_and_the_figures_are_told():
    stage = gate(normals(64, seed=2))
    stage.observe(normals(32, seed=1))
    stage.observe(normals(32, seed=3))
    assert set(stage.finalize()) == {"diversity", "distance"}


@pytest.mark.parametrize(("diversity", "distance"), [(0.49, 0.0), (1.0, 0.51), (float("nan"), 0.0)])
def test_each_limit_counts_by_itself(diversity: float, distance: float):
    with pytest.raises(CollapseError):
        check_quality(type(measure_quality(torch.eye(2), torch.eye(2)))(diversity, distance),
                      least_diversity=0.5, most_distance=0.5)  # fmt: skip
