import pytest
import torch

from models.blocks.gradient_penalty import gradient_penalty


def images(seed: int) -> torch.Tensor:
    return torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("slope", "penalty"), [(1.0, 0.0), (3.0, 4.0), (0.0, 1.0)])
def test_the_penalty_is_the_squared_distance_of_the_slope_from_one(slope: float, penalty: float):
    found = gradient_penalty(lambda image: slope * image.flatten(1)[:, :1], images(0), images(1))
    assert float(found) == pytest.approx(penalty, abs=1e-6)
