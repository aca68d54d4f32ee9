import pytest
import torch
from torch import nn

from models.blocks.corners import RoundedReLU, round_relus, rounded_abs


def test_the_rounded_absolute_value_is_zero_at_zero_and_smooth_there():
    values = torch.tensor([-3.0, 0.0, 4.0], requires_grad=True)
    found = rounded_abs(values, 0.1)
    torch.testing.assert_close(found, torch.tensor([2.9017, 0.0, 3.9012]), atol=1e-4, rtol=0)
    found.sum().backward()
    assert values.grad is not None
    assert values.grad[1] == 0


def test_without_a_rounding_the_absolute_value_is_itself():
    assert rounded_abs(torch.tensor([-2.0, 3.0]), 0.0).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_far_from_its_corner_a_rounded_relu_is_a_relu(slope: float):
    values = torch.tensor([-50.0, 50.0])
    expected = nn.functional.leaky_relu(values, slope)
    torch.testing.assert_close(RoundedReLU(slope, 0.1)(values), expected, atol=1e-3, rtol=0)


def test_every_relu_of_a_module_is_rounded_and_keeps_its_slope():
    module = nn.Sequential(nn.ReLU(), nn.Sequential(nn.LeakyReLU(0.2)), nn.Tanh())
    round_relus(module, 0.1)
    slopes = [part.slope for part in module.modules() if isinstance(part, RoundedReLU)]
    assert slopes == [0.0, 0.2]


def test_a_rounding_of_zero_leaves_the_corners():
    module = nn.Sequential(nn.ReLU())
    round_relus(module, 0.0)
    assert isinstance(module[0], nn.ReLU)
