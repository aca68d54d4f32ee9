import math

import pytest
import torch

from models.method import Batch, Descent, InputShape, Observation, Update
from models.methods.fence_gan import FenceGan


def build(**options: object) -> FenceGan:
    torch.manual_seed(0)
    chosen = FenceGan.Options(width=2, latent=4, **options)  # type: ignore[arg-type]
    return FenceGan(InputShape(1, 16, 16), chosen).eval()


def images() -> torch.Tensor:
    return torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def updates(method: FenceGan) -> list[Update]:
    stage = method.stages()[-1]
    assert isinstance(stage, Descent)
    torch.manual_seed(1)
    return list(stage.step(Batch(images(), torch.zeros(4)), 0))


def ignorant(**options: object) -> FenceGan:
    """One whose discriminator says 1/2 of everything."""
    method = build(**options)
    for parameter in method.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    return method


@pytest.mark.parametrize("gamma", [0.1, 0.5])
def test_generated_images_count_gamma_in_the_discriminators_loss(gamma: float):
    discriminator, _generator = updates(ignorant(gamma=gamma))
    assert float(discriminator.loss.detach()) == pytest.approx((1 + gamma) * math.log(2))


def test_the_fence_of_an_ignorant_discriminator_is_log_two_whatever_alpha():
    _discriminator, generator = updates(ignorant(alpha=0.1))
    assert float(generator.logs["fence"].detach()) == pytest.approx(math.log(2))


def test_dispersion_is_beta_over_the_mean_distance_to_the_middle():
    method = build(beta=3.0)
    method.generator.forward = lambda _latent: torch.eye(256)[:2].reshape(2, 1, 16, 16)  # type: ignore[method-assign]
    _discriminator, generator = updates(method)
    # Two unit vectors lie 1/sqrt(2) from the point between them.
    assert float(generator.logs["dispersion"].detach()) == pytest.approx(3 * math.sqrt(2))


def test_the_score_ranks_as_one_minus_the_discriminators_word():
    method = build()
    word = torch.sigmoid(method.discriminator(images() * 2 - 1))[:, 0]
    torch.testing.assert_close(torch.sigmoid(method(images()).score), 1 - word)


def test_the_mean_normal_has_an_empty_map():
    method = build()
    [observation, *_rest] = method.stages()
    assert isinstance(observation, Observation)
    observation.observe(images())
    observation.finalize()
    torch.testing.assert_close(method.mean[0], images().mean(dim=0))
    assert float(method(method.mean).anomaly_map.abs().max()) < 1e-7


def test_the_discriminator_learns_alone_first():
    pretrain = build().stages()[1]
    assert isinstance(pretrain, Descent)
    [update] = pretrain.step(Batch(images(), torch.zeros(4)), 0)
    assert update.optimizer == "discriminator"
    assert set(pretrain.optimizers()) == {"discriminator"}
