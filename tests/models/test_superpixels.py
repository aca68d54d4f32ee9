import pytest
import torch

from models.blocks.superpixels import superpixel_means


def halves() -> torch.Tensor:
    """Black on the left, white on the right, the border off the grid's."""
    images = torch.zeros(1, 1, 16, 16)
    images[:, :, :, 6:] = 1.0
    return images


def test_one_value_everywhere_stays_it():
    torch.testing.assert_close(
        superpixel_means(torch.full((1, 1, 16, 16), 0.3), halves(), cell=4), torch.full((1, 1, 16, 16), 0.3)
    )


def test_a_superpixel_does_not_cross_an_edge():
    means = superpixel_means(halves(), halves(), cell=4)
    assert float(means[..., :6].max()) < 0.01
    assert float(means[..., 6:].min()) > 0.99


def test_a_spot_is_spread_over_its_superpixel_and_no_farther():
    spot = torch.zeros(1, 1, 32, 32)
    spot[..., 16, 16] = 1.0
    means = superpixel_means(spot, torch.zeros(1, 1, 32, 32), cell=4)
    assert float(means.sum()) == pytest.approx(1, abs=0.05)
    assert float(means[..., 12:21, 12:21].sum()) > 0.9


def test_an_image_has_its_superpixels_alone_and_in_a_batch():
    images = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([superpixel_means(image[None], image[None], cell=4) for image in images])
    torch.testing.assert_close(superpixel_means(images, images, cell=4), alone)
