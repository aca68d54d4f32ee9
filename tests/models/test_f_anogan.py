import pytest
import torch

from models.method import Batch, InputShape
from models.methods.f_anogan import FAnoGan

SHAPE = InputShape(1, 16, 16)


def build(**options: object) -> FAnoGan:
    torch.manual_seed(0)
    return FAnoGan(SHAPE, FAnoGan.Options(width=2, latent=4, **options)).eval()  # type: ignore[arg-type]


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def test_the_generator_steps_after_every_fifth_critic_step():
    method = build()
    gan, _encoder = method.stages()
    turns = [
        [update.optimizer for update in gan.step(Batch(images(2), torch.zeros(2)), number)]
        for number in range(5)
    ]
    assert turns == [["critic"]] * 4 + [["critic", "generator"]]


@pytest.mark.parametrize(
    ("loss", "terms"), [("ziz", {"latent"}), ("izi", {"residual"}), ("izi_f", {"residual", "features"})]
)
def test_each_encoder_loss_has_its_own_terms(loss: str, terms: set[str]):
    _gan, encoder = build(encoder_loss=loss).stages()
    [update] = encoder.step(Batch(images(2), torch.zeros(2)), 0)
    assert set(update.logs) == terms


def test_izi_f_is_the_residual_plus_kappa_times_the_features():
    _gan, encoder = build(kappa=3.0).stages()
    [update] = encoder.step(Batch(images(2), torch.zeros(2)), 0)
    torch.testing.assert_close(update.loss, update.logs["residual"] + 3 * update.logs["features"])


def test_the_encoder_stage_leaves_generator_and_critic_as_they_are():
    method = build()
    _gan, encoder = method.stages()
    encoder.optimizers()
    [update] = encoder.step(Batch(images(2), torch.zeros(2)), 0)
    update.loss.backward()
    frozen = (*method.generator.parameters(), *method.critic.parameters())
    assert all(parameter.grad is None for parameter in frozen)


def test_without_kappa_the_score_is_the_mean_squared_residual_between_minus_one_and_one():
    prediction = build(kappa=0.0)(images(2))
    residual = 2 * (images(2) - prediction.reconstruction)
    torch.testing.assert_close(prediction.score, (residual**2).mean(dim=(1, 2, 3)))
    torch.testing.assert_close(prediction.anomaly_map, residual.abs())


def test_kappa_weighs_the_feature_term():
    scores = [build(kappa=kappa)(images(2)).score for kappa in (0.0, 1.0, 2.0)]
    torch.testing.assert_close(scores[2] - scores[1], scores[1] - scores[0])


def test_a_tanh_encoder_stays_within_one():
    method = build()
    assert method._encode(100 * images(2)).abs().max() <= 1
