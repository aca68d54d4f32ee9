"""The restoration VAE is held to its equations."""

import pytest
import torch
from torch import Tensor

from models.method import InputShape
from models.methods.restoration_vae import RestorationVae, total_variation

SHAPE = InputShape(1, 16, 16)


class Indifferent(torch.nn.Module):
    """An encoder that sees nothing, q = N(0, 1), or with it a decoder that always draws zeros."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, images: Tensor) -> Tensor:
        return 0 * images[:, :1].expand(-1, self.channels, -1, -1)


def indifferent(**options: object) -> RestorationVae:
    """With E(y) = |y|²: every step without TV multiplies y by 1 - 2 step_size."""
    method = RestorationVae(SHAPE, RestorationVae.Options(**options))
    method.encoder, method.decoder = Indifferent(2), Indifferent(1)  # type: ignore[assignment]
    return method.eval().requires_grad_(False)


def test_total_variation_of_a_corner_counts_its_two_sides():
    corner = torch.zeros(1, 1, 4, 4)
    corner[0, 0, 0, 0] = 3.0
    # Two differences of 3 beside 22 of 0, each of which gives the floor.
    assert float(total_variation(corner, 0.0)) == pytest.approx(6.0)
    assert float(total_variation(torch.zeros(1, 1, 4, 4), 0.5)) == pytest.approx(12.0)


def test_every_step_moves_the_image_against_the_gradient():
    restored = indifferent(tv_weight=0.0)(torch.full((1, 1, 16, 16), 0.5), torch.tensor(3)).reconstruction
    torch.testing.assert_close(restored, torch.full((1, 1, 16, 16), 0.5 * 0.99**3))


def test_the_later_steps_are_smaller():
    method = indifferent(tv_weight=0.0, late_from=2)
    restored = method(torch.ones(1, 1, 16, 16), torch.tensor(3)).reconstruction
    torch.testing.assert_close(restored, torch.full((1, 1, 16, 16), 0.99**2 * 0.996))


def test_a_steep_gradient_is_clipped_at_50():
    restored = indifferent(tv_weight=0.0)(torch.full((1, 1, 16, 16), 100.0), torch.tensor(1)).reconstruction
    torch.testing.assert_close(restored, torch.full((1, 1, 16, 16), 100 - 5e-3 * 50))


def test_total_variation_holds_a_small_spot_of_change_back():
    spot = torch.full((1, 1, 16, 16), 0.1)
    spot[0, 0, 8, 8] = 0.9
    free, held = (indifferent(tv_weight=weight)(spot).anomaly_map[0, 0, 8, 8] for weight in (0.0, 0.4))
    assert float(held) < 0.5 * float(free)


@pytest.mark.parametrize(("foreground_only", "moved"), [(True, 0.0), (False, 5.0)])
def test_the_background_is_not_restored_unless_asked(foreground_only: bool, moved: float):
    method = indifferent(tv_weight=0.0, foreground_only=foreground_only, step_size=0.5)
    # One step of 0.5 takes everything to 0; only what is above 0.01 is foreground.
    anomaly_map = method(torch.full((1, 1, 16, 16), 0.005), torch.tensor(1)).anomaly_map
    assert float(anomaly_map.mean()) * 1000 == pytest.approx(moved)


def test_no_steps_change_nothing_and_the_default_is_a_control():
    method = indifferent(restoration_steps=7)
    images = torch.rand(2, 1, 16, 16)
    assert method.controls() == {"steps": 7}
    assert not method(images, torch.tensor(0)).score.any()
    assert torch.equal(method(images).score, method(images, torch.tensor(7)).score)


def test_the_score_is_the_mean_of_the_map_or_of_its_highest_share():
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    mean, top = (indifferent(score=score, top_fraction=1 / 256)(images) for score in ("mean", "top"))
    torch.testing.assert_close(mean.score, mean.anomaly_map.mean(dim=(1, 2, 3)))
    torch.testing.assert_close(top.score, top.anomaly_map.amax(dim=(1, 2, 3)))


def test_the_energy_is_the_residual_and_the_divergence_of_the_latent():
    method = indifferent(kl_weight=0.5)
    mean = torch.full((1, 1, 16, 16), 2.0)
    # |x - 0|² = 256 / 4; KL(N(2, 1) | N(0, 1)) = 2 at each of 256 places, of weight 0.5.
    energy = method._energy(torch.full((1, 1, 16, 16), 0.5), mean, mean, torch.zeros_like(mean))
    assert float(energy) == pytest.approx(64.0 + 256.0)


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiples of 8; they are 20 x 16"):
        RestorationVae(InputShape(1, 20, 16), RestorationVae.Options())
