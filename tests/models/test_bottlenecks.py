import pytest
import torch

from models.blocks.autoencoder import Encoder
from models.method import Batch, Descent, InputShape
from models.methods.aeu import UncertaintyAutoencoder
from models.methods.vae import VariationalAutoencoder

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def first_update(method: VariationalAutoencoder | UncertaintyAutoencoder) -> dict[str, torch.Tensor]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    return {"loss": update.loss, **update.logs}


def test_the_vaes_loss_weighs_the_divergence():
    torch.manual_seed(0)
    method = VariationalAutoencoder(SHAPE, VariationalAutoencoder.Options(width=2, latent=3, kl_weight=0.5))
    logs = first_update(method)
    torch.testing.assert_close(logs["loss"], logs["residual"] + 0.5 * logs["divergence"])


def test_a_vae_scores_without_drawing():
    method = VariationalAutoencoder(SHAPE, VariationalAutoencoder.Options(width=2, latent=3)).eval()
    assert torch.equal(method(IMAGES).score, method(IMAGES).score)


def test_a_standard_normal_latent_has_no_divergence():
    method = VariationalAutoencoder(SHAPE, VariationalAutoencoder.Options(width=2, latent=3)).eval()
    method.encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 6))
    torch.nn.init.zeros_(method.encoder[1].weight)
    torch.nn.init.zeros_(method.encoder[1].bias)
    prediction = method(IMAGES)
    torch.testing.assert_close(prediction.score, prediction.anomaly_map.mean(dim=(1, 2, 3)))


def test_expected_errors_count_less():
    method = UncertaintyAutoencoder(SHAPE, UncertaintyAutoencoder.Options(width=2, latent=3)).eval()
    sure, unsure = torch.zeros(4, 1, 16, 16), torch.full((4, 1, 16, 16), 2.0)
    maps = []
    for log_variance in (sure, unsure):
        method._decode = lambda _images, given=log_variance: (torch.zeros_like(IMAGES), given)  # type: ignore[method-assign]
        maps.append(method(IMAGES).anomaly_map)
    torch.testing.assert_close(maps[1], maps[0] * torch.exp(torch.tensor(-2.0)))


def test_sides_that_do_not_halve_four_times_are_refused():
    with pytest.raises(ValueError, match="multiples of 16; they are 24 x 16"):
        Encoder(InputShape(1, 24, 16), 3, width=2)
