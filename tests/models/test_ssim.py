import pytest
import torch

from models.blocks.ssim import ssim_map


def images() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def test_an_image_is_wholly_like_itself():
    torch.testing.assert_close(ssim_map(images(), images(), value_range=1.0), torch.ones(2, 1, 16, 16))


def test_flat_images_differ_by_their_level_alone():
    dark, bright = (torch.full((1, 1, 16, 16), value) for value in (0.2, 0.6))
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert float(ssim_map(dark, bright, value_range=1.0).mean()) == pytest.approx(expected, abs=3e-3)


def test_a_negative_is_unlike():
    assert float(ssim_map(images(), 1 - images(), value_range=1.0).mean()) < -0.5


def test_the_scale_of_values_does_not_matter_if_it_is_told():
    ours, theirs = images(), images().flip(-1)
    torch.testing.assert_close(
        ssim_map(ours, theirs, value_range=1.0), ssim_map(2 * ours, 2 * theirs, value_range=2.0)
    )
