"""Structural similarity is held to another implementation, and its sum over scales to simple images."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity as reference

from models.blocks.similarity import (
    multi_scale_dissimilarity,
    scale_weights,
    structural_similarity,
)

PAIR = torch.rand(2, 1, 1, 32, 40, generator=torch.Generator().manual_seed(0))


def flat(value: float) -> torch.Tensor:
    return torch.full((1, 1, 64, 64), value)


def test_similarity_is_that_of_skimage_where_no_edge_is_near():
    first, second = PAIR.double().numpy()[:, 0, 0]
    _mean, expected = reference(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, full=True
    )
    found = structural_similarity(*PAIR)[0, 0].numpy()
    np.testing.assert_allclose(found[5:-5, 5:-5], expected[5:-5, 5:-5], atol=1e-6)


def test_flat_images_differ_in_luminance_alone():
    # (2 * 0.2 * 0.6 + 1e-4) / (0.04 + 0.36 + 1e-4), at every pixel and every scale.
    similarity = 0.2401 / 0.4001
    torch.testing.assert_close(structural_similarity(flat(0.2), flat(0.6)), flat(similarity))
    unlike = multi_scale_dissimilarity(flat(0.2), flat(0.6), scale_weights(64, 64))
    torch.testing.assert_close(unlike, flat(1 - similarity))


def test_an_image_is_like_itself():
    assert multi_scale_dissimilarity(PAIR[0], PAIR[0], [0.5, 0.5]).abs().max() < 1e-6


@pytest.mark.parametrize(("side", "scales"), [(11, 1), (64, 3), (128, 4), (176, 5), (512, 5)])
def test_there_are_as_many_scales_as_the_side_has_room_for(side: int, scales: int):
    weights = scale_weights(side, 512)
    assert len(weights) == scales and sum(weights) == pytest.approx(1, abs=1e-3)
    assert weights[0] == pytest.approx(0.0448 / sum([0.0448, 0.2856, 0.3001, 0.2363, 0.1333][:scales]))


def test_a_coarser_scale_sees_the_means_of_four_pixels():
    coarse = multi_scale_dissimilarity(*PAIR, [0.0, 1.0])
    halves = torch.nn.functional.avg_pool2d(PAIR[:, 0], 2)
    expected = 1 - structural_similarity(halves[:1], halves[1:])
    torch.testing.assert_close(coarse[:, :, ::2, 1::2], expected)


def test_channels_are_averaged():
    both = torch.cat([PAIR[0], PAIR[1]], dim=1), torch.cat([PAIR[0], PAIR[0]], dim=1)
    single = multi_scale_dissimilarity(PAIR[1], PAIR[0], [1.0])
    torch.testing.assert_close(multi_scale_dissimilarity(*both, [1.0]), single / 2)


def test_sides_below_a_window_are_refused():
    with pytest.raises(ValueError, match="at least 11; they are 64 x 10"):
        scale_weights(64, 10)
