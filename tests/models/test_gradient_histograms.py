import torch

from models.blocks.gradient_histograms import gradient_histograms


def edge() -> torch.Tensor:
    picture = torch.zeros(1, 1, 16, 16)
    picture[:, :, :, 8:] = 1.0
    return picture


def test_an_upright_edge_counts_in_the_direction_it_rises_in():
    histograms = gradient_histograms(edge(), 4).view(8, 3, 3)
    assert histograms.argmax(dim=0)[1, 1] == 0
    assert gradient_histograms(edge().transpose(2, 3), 4).view(8, 3, 3).argmax(dim=0)[1, 1] == 2


def test_brightness_and_contrast_do_not_count():
    ours, theirs = gradient_histograms(edge(), 4), gradient_histograms(0.3 + 0.5 * edge(), 4)
    torch.testing.assert_close(ours, theirs, rtol=0.01, atol=0.01)


def test_an_image_has_length_1_and_a_flat_one_none():
    torch.testing.assert_close(gradient_histograms(edge(), 4).norm(), torch.tensor(1.0), rtol=0.01, atol=0)
    assert not gradient_histograms(torch.full((1, 1, 16, 16), 0.4), 4).any()
