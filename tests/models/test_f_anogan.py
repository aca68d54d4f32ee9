import pytest
import torch

from models.method import Batch, Descent, InputShape, Update
from models.methods.f_anogan import FAnoGan

SHAPE = InputShape(1, 16, 16)


def build(**options: object) -> FAnoGan:
    torch.manual_seed(0)
    return FAnoGan(SHAPE, FAnoGan.Options(width=2, latent=4, **options)).eval()  # type: ignore[arg-type]


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def encoder_update(method: FAnoGan) -> Update:
    encoder = method.stages()[-1]
    assert isinstance(encoder, Descent)
    encoder.optimizers()
    [update] = encoder.step(Batch(images(2), torch.zeros(2)), 0)
    return update


@pytest.mark.parametrize(
    ("loss", "terms"), [("ziz", {"latent"}), ("izi", {"residual"}), ("izi_f", {"residual", "features"})]
)
@pytest.mark.parametrize("encoder", ["ae", "vae"])
def test_each_encoder_loss_has_its_own_terms(loss: str, terms: set[str], encoder: str):
    update = encoder_update(build(encoder_loss=loss, encoder=encoder))
    assert set(update.logs) == terms | ({"divergence"} if encoder == "vae" else set())
    torch.testing.assert_close(update.loss, torch.stack(list(update.logs.values())).sum())


def test_kappa_weighs_the_features_of_izi_f():
    once, thrice = (encoder_update(build(kappa=kappa)).logs["features"] for kappa in (1.0, 3.0))
    torch.testing.assert_close(3 * once, thrice)


def test_a_vae_that_gives_the_prior_has_no_divergence():
    method = build(encoder="vae")
    for parameter in method.encoder.head.parameters():
        torch.nn.init.zeros_(parameter)
    assert float(encoder_update(method).logs["divergence"].detach()) == 0.0


def test_a_vae_scores_by_its_mean_and_so_always_the_same():
    method = build(encoder="vae")
    assert torch.equal(method(images(2)).score, method(images(2)).score)


@pytest.mark.parametrize("generator", ["wgan_gp", "dcgan", "gan"])
def test_the_encoder_stage_leaves_the_gan_as_it_is(generator: str):
    method = build(generator=generator).train()
    before = {name: value.clone() for name, value in method.gan.state_dict().items()}
    encoder_update(method).loss.backward()
    assert all(parameter.grad is None for parameter in method.gan.parameters())
    assert all(torch.equal(value, before[name]) for name, value in method.gan.state_dict().items())


def test_without_kappa_the_score_is_the_mean_squared_residual_between_minus_one_and_one():
    prediction = build(kappa=0.0)(images(2))
    residual = 2 * (images(2) - prediction.reconstruction)
    torch.testing.assert_close(prediction.score, (residual**2).mean(dim=(1, 2, 3)))
    torch.testing.assert_close(prediction.anomaly_map, residual.abs())


def test_kappa_weighs_the_feature_term_of_the_score():
    scores = [build(kappa=kappa)(images(2)).score for kappa in (0.0, 1.0, 2.0)]
    torch.testing.assert_close(scores[2] - scores[1], scores[1] - scores[0])


def test_a_tanh_encoder_stays_within_one():
    assert build()._encode(100 * images(2)).abs().max() <= 1
