import pytest
import torch
from torch.nn import functional

from models.blocks.resampling import DoubledConv, PooledConv

IMAGES = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
def test_a_pooled_convolution_is_a_convolution_and_then_a_mean(bias: bool):
    torch.manual_seed(0)
    folded = PooledConv(3, 5, bias=bias)
    plain = functional.conv2d(IMAGES, folded.weight, folded.bias, padding=1)
    torch.testing.assert_close(folded(IMAGES), functional.avg_pool2d(plain, 2))


@pytest.mark.parametrize("bias", [True, False])
def test_a_doubled_convolution_is_a_doubling_and_then_a_convolution(bias: bool):
    torch.manual_seed(0)
    folded = DoubledConv(3, 5, bias=bias)
    big = functional.interpolate(IMAGES, scale_factor=2.0, mode="nearest")
    torch.testing.assert_close(folded(IMAGES), functional.conv2d(big, folded.weight, folded.bias, padding=1))
