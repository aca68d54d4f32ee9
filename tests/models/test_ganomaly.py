import math

import pytest
import torch

from models.method import Batch, Descent, InputShape, Update
from models.methods.ganomaly import Ganomaly


def build(**options: object) -> Ganomaly:
    torch.manual_seed(0)
    chosen = Ganomaly.Options(width=2, latent=4, **options)  # type: ignore[arg-type]
    return Ganomaly(InputShape(1, 16, 16), chosen).eval()


def images() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def updates(method: Ganomaly) -> list[Update]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    return list(stage.step(Batch(images(), torch.zeros(2)), 0))


def test_the_loss_is_the_weighted_sum_of_its_three_terms():
    generator, _discriminator = updates(build(adversarial_weight=2, contextual_weight=3, encoder_weight=5))
    terms = generator.logs
    expected = 2 * terms["adversarial"] + 3 * terms["contextual"] + 5 * terms["encoder"]
    torch.testing.assert_close(generator.loss, expected)


def test_a_discriminator_that_knows_nothing_has_a_loss_of_log_two():
    method = build()
    for parameter in method.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    _generator, discriminator = updates(method)
    assert float(discriminator.loss.detach()) == pytest.approx(math.log(2))


def test_each_side_works_out_its_own_gradients_alone():
    method = build()
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    steps = stage.step(Batch(images(), torch.zeros(2)), 0)
    next(steps).loss.backward()
    assert all(parameter.grad is None for parameter in method.discriminator.parameters())
    method.zero_grad()
    next(steps).loss.backward()
    assert all(parameter.grad is None for parameter in method.decoder.parameters())
    assert all(parameter.grad is not None for parameter in method.discriminator.parameters())


def test_the_score_is_the_mean_difference_of_both_latents():
    method = build()
    latent = method.encoder(images() * 2 - 1)
    again = method.second_encoder(method.decoder(latent))
    torch.testing.assert_close(method(images()).score, (latent - again).abs().mean(dim=1))


def test_the_contextual_score_is_the_mean_of_the_map():
    prediction = build(score="contextual")(images())
    torch.testing.assert_close(prediction.score, prediction.anomaly_map.mean(dim=(1, 2, 3)))
