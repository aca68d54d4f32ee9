import pytest
import torch

from models.method import Batch, Descent, InputShape, Update
from models.methods.gan_gp import GanGp


def build(side: int = 16, **options: object) -> GanGp:
    torch.manual_seed(0)
    return GanGp(InputShape(1, side, side), GanGp.Options(width=2, **options)).eval()  # type: ignore[arg-type]


def images() -> torch.Tensor:
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def updates(method: GanGp, number: int) -> list[Update]:
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    return list(stage.step(Batch(images(), torch.zeros(2)), number))


@pytest.mark.parametrize(("number", "turns"), [(0, ["critic"]), (4, ["critic", "autoencoder"])])
def test_the_autoencoder_steps_after_every_fifth_critic_step(number: int, turns: list[str]):
    assert [update.optimizer for update in updates(build(), number)] == turns


def test_the_loss_has_four_terms_with_their_weights():
    once = updates(build(), 4)[1].logs
    weighted = updates(build(feature_weight=2.0, residual_weight=30.0, structure_weight=10.0), 4)[1]
    for name, factor in {"adversarial": 1.0, "features": 2.0, "residual": 3.0, "structure": 0.5}.items():
        torch.testing.assert_close(weighted.logs[name], factor * once[name])
    torch.testing.assert_close(weighted.loss, torch.stack(list(weighted.logs.values())).sum())


def test_the_autoencoders_turn_works_out_no_gradient_of_the_critic():
    method = build(critic_turns=1)
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    steps = stage.step(Batch(images(), torch.zeros(2)), 0)
    next(steps)
    next(steps).loss.backward()
    assert all(parameter.grad is None for parameter in method.critic.parameters())
    assert list(steps) == []
    assert all(parameter.requires_grad for parameter in method.critic.parameters())


def test_the_score_is_the_mean_of_the_map():
    prediction = build()(images())
    torch.testing.assert_close(prediction.score, prediction.anomaly_map.mean(dim=(1, 2, 3)))


def test_the_features_score_encodes_the_reconstruction_again():
    method = build(score="features")
    features = method.encoder(images() * 2 - 1)
    again = method.encoder(method.decoder(features))
    torch.testing.assert_close(method(images()).score, ((features - again) ** 2).mean(dim=(1, 2, 3)))


def test_an_odd_side_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match="multiples of 4; they are 18 x 18"):
        build(side=18)
