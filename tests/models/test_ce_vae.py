"""The context-encoding VAE against its equations, on cases worked out by hand."""

import dataclasses

import pytest
import torch

from models.blocks.filters import gaussian_blur
from models.method import Batch, InputShape
from models.methods.ce_vae import ContextVae, with_holes

SHAPE = InputShape(2, 16, 16)
SMALL = ContextVae.Options(width=2, latent=3)


def untrained(**changes: object) -> ContextVae:
    torch.manual_seed(0)
    method = ContextVae(SHAPE, dataclasses.replace(SMALL, **changes)).eval()
    return method.requires_grad_(False)


def images(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 2, 16, 16, generator=torch.Generator().manual_seed(1))


def reconstruction(method: ContextVae) -> torch.Tensor:
    return method.decoder(method.encoder(images())[:, :3])


def test_the_score_is_the_squared_residual_and_the_weighted_divergence():
    method = untrained(kl_weight=0.5)
    mean, log_variance = method.encoder(images()).chunk(2, dim=1)
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1) / 3
    residual = ((images() - reconstruction(method)) ** 2).mean(dim=(1, 2, 3))
    torch.testing.assert_close(method(images()).score, residual + 0.5 * divergence)


def test_the_map_is_the_residual_times_the_blurred_gradient_of_the_divergence():
    method, free = untrained(), images().requires_grad_()
    mean, log_variance = method.encoder(free).chunk(2, dim=1)
    (0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 3).backward()
    gradient = gaussian_blur(free.grad.abs().mean(dim=1, keepdim=True), 3.0)
    error = (images() - reconstruction(method)).abs().mean(dim=1, keepdim=True)
    torch.testing.assert_close(method(images()).anomaly_map, error * gradient)


def test_the_two_factors_of_the_map_can_be_had_alone():
    residual, gradient = untrained(map="residual"), untrained(map="gradient")
    product = residual(images()).anomaly_map * gradient(images()).anomaly_map
    torch.testing.assert_close(untrained()(images()).anomaly_map, product)


def test_samples_are_drawn_by_the_seed_and_their_mean_nears_the_latent_law():
    method = untrained(samples=2)
    assert method.controls() == {"seed": 0} and untrained().controls() == {}
    by_default, same, other = (
        method(images(), seed).score for seed in (None, torch.tensor(0), torch.tensor(1))
    )
    assert torch.equal(by_default, same) and not torch.allclose(same, other)


def test_many_samples_agree_whatever_the_seed():
    method = untrained(samples=4000)
    first, second = (method(images(1), torch.tensor(seed)).score for seed in (0, 1))
    torch.testing.assert_close(first, second, rtol=1e-2, atol=0)


def test_holes_are_squares_of_black_and_the_rest_is_left():
    torch.manual_seed(0)
    whole = images(200) + 1
    holed = with_holes(whole, largest=0.5)
    is_hole = holed == 0
    assert torch.equal(holed[~is_hole], whole[~is_hole]) and torch.equal(is_hole[:, 0], is_hole[:, 1])
    # One to three squares of sides up to 8, on average 4.3² of the 256 pixels each.
    assert 0.08 < is_hole.float().mean() < 0.2
    assert is_hole[:, 0].any(dim=2).sum(dim=1).max() <= 24


@pytest.mark.parametrize(("weight", "missing"), [(0.0, "context"), (1.0, "residual")])
def test_the_context_weight_decides_between_the_two_tasks(weight: float, missing: str):
    method = ContextVae(SHAPE, dataclasses.replace(SMALL, context_weight=weight, kl_weight=0.0))
    (update,) = method._step(Batch(images(8), torch.zeros(8)), 0)
    kept = "residual" if missing == "context" else "context"
    torch.testing.assert_close(update.loss, update.logs[kept])
