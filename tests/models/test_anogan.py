import math

import pytest
import torch
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from models.method import InputShape
from models.methods.anogan import AnoGan
from models.noise import normal_noise


def build(**options: object) -> AnoGan:
    torch.manual_seed(0)
    chosen = AnoGan.Options(width=2, latent=4, **options)  # type: ignore[arg-type]
    return AnoGan(InputShape(1, 16, 16), chosen).eval().requires_grad_(False)


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def start(method: AnoGan, count: int) -> torch.Tensor:
    return normal_noise(torch.tensor(0), (1, method.options.latent)).expand(count, -1)


def test_without_a_step_the_loss_is_that_of_the_start():
    method = build(feature_share=0.25, rounding=0.0)
    real, fake = images(2) * 2 - 1, method.gan.generator(start(method, 2))
    apart = method.gan.critic.features(real) - method.gan.critic.features(fake)
    loss = 0.75 * (real - fake).abs().sum(dim=(1, 2, 3)) + 0.25 * apart.abs().sum(dim=1)
    prediction = method(images(2), torch.tensor(0))
    torch.testing.assert_close(prediction.score, loss)
    torch.testing.assert_close(prediction.anomaly_map, (real - fake).abs())


def test_the_search_is_adams_with_a_rate_that_falls_along_a_cosine():
    method = build(search_rate=0.05)
    real = images(1) * 2 - 1
    latent = start(method, 1).clone().requires_grad_()
    optimizer = Adam([latent], lr=0.05)
    falling = LambdaLR(optimizer, lambda number: (1 + math.cos(math.pi * number / 5)) / 2)
    for _step in range(5):
        optimizer.zero_grad()
        method._loss(latent, real, method.gan.critic.features(real)).sum().backward()
        optimizer.step()
        falling.step()
    expected = (method.gan.generator(latent.detach()) + 1) / 2
    torch.testing.assert_close(method(images(1), torch.tensor(5)).reconstruction, expected)


def test_a_longer_search_comes_nearer():
    method = build()
    scores = [method(images(4), torch.tensor(steps)).score for steps in (0, 5, 50)]
    assert (scores[0] > scores[1]).all() and (scores[1] > scores[2]).all()


def test_of_several_starts_the_nearest_end_counts():
    method = build(starts=3, feature_share=0.0, rounding=0.0)
    ends = method.gan.generator(normal_noise(torch.tensor(0), (3, 4)))
    losses = (images(2)[:, None] * 2 - 1 - ends).abs().sum(dim=(2, 3, 4))
    prediction = method(images(2), torch.tensor(0))
    torch.testing.assert_close(prediction.score, losses.min(dim=1).values)
    assert prediction.reconstruction is not None
    torch.testing.assert_close(prediction.reconstruction, (ends[losses.argmin(dim=1)] + 1) / 2)


@pytest.mark.parametrize(("seed", "is_same"), [(0, True), (1, False)])
def test_the_seed_chooses_the_start(seed: int, is_same: bool):
    method = build()
    scores = [method(images(1), torch.tensor(2), torch.tensor(number)).score for number in (0, seed)]
    assert torch.equal(*scores) == is_same


def test_a_bounded_search_ends_within_the_ball_of_the_prior():
    method = build(bounded=True, search_rate=5.0)
    real = images(2) * 2 - 1
    state = (start(method, 2), torch.zeros(2, 4), torch.zeros(2, 4))
    given = (torch.tensor(1), real, method.gan.critic.features(real))
    latent, _first, _second = method._search(torch.tensor(0), *state, *given)
    assert (latent.norm(dim=1) <= 2.0001).all()  # the square root of the latent's 4 numbers
    far = build(search_rate=5.0)._search(torch.tensor(0), *state, *given)[0]
    torch.testing.assert_close(latent, 2 * far / far.norm(dim=1, keepdim=True))
