"""Progressive networks are held to what Karras et al. say of their layers and their fading."""

import math

import pytest
import torch

from models.blocks.progressive import (
    EqualisedConv,
    EqualisedLinear,
    ProgressiveCritic,
    ProgressiveGenerator,
    double,
    halve,
)
from models.method import InputShape

SHAPE = InputShape(1, 16, 32)
WIDTHS = (4, 4, 2)


@pytest.fixture
def generator() -> ProgressiveGenerator:
    torch.manual_seed(0)
    return ProgressiveGenerator(SHAPE, 3, WIDTHS)


@pytest.fixture
def critic() -> ProgressiveCritic:
    torch.manual_seed(0)
    return ProgressiveCritic(SHAPE, 1, WIDTHS, deviation=False)


def test_weights_are_scaled_by_the_constant_of_he_at_use():
    conv, linear = EqualisedConv(2, 1, 3), EqualisedLinear(8, 1, gain=1)
    conv.weight.data.fill_(1.0)
    linear.weight.data.fill_(1.0)
    # Sums of 18 and of 8 ones, times sqrt(2 / 18) and sqrt(1 / 8).
    middle = conv(torch.ones(1, 2, 3, 3))[0, 0, 1, 1]
    assert float(middle.detach()) == pytest.approx(18 * math.sqrt(2 / 18))
    assert float(linear(torch.ones(1, 8)).detach()) == pytest.approx(math.sqrt(8))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_level_has_its_sides(generator: ProgressiveGenerator, critic: ProgressiveCritic, level: int):
    images = generator(torch.randn(5, 3), level)
    assert images.shape == (5, 1, 4 * 2**level, 8 * 2**level)
    assert critic(images, level).shape == (5, 1)


def test_only_the_direction_of_a_latent_counts(generator: ProgressiveGenerator):
    latent = torch.randn(2, 3)
    torch.testing.assert_close(generator(7 * latent, 2), generator(latent, 2), rtol=1e-4, atol=1e-4)


def test_a_level_fades_in_over_the_level_before(generator: ProgressiveGenerator):
    latent = torch.randn(2, 3)
    before, after = double(generator(latent, 1)), generator(latent, 2)
    torch.testing.assert_close(generator(latent, 2, 0.0), before)
    torch.testing.assert_close(generator(latent, 2, 0.25), 0.75 * before + 0.25 * after)


def test_the_critic_sees_a_level_that_is_not_there_yet_at_half_the_sides(critic: ProgressiveCritic):
    images = torch.rand(2, 1, 16, 32)
    torch.testing.assert_close(critic(images, 2, 0.0), critic(halve(images), 1))


def test_the_critic_is_shown_how_much_a_batch_differs():
    critic = ProgressiveCritic(SHAPE, 1, WIDTHS, deviation=True)
    seen: list[torch.Tensor] = []
    critic.last.register_forward_pre_hook(lambda _layer, given: seen.append(given[0]))
    image = torch.rand(1, 1, 4, 8)
    critic(torch.cat([image, image]), 0)
    critic(torch.cat([image, 1 - image]), 0)
    same, different = (features[:, -1].detach() for features in seen)
    torch.testing.assert_close(same, torch.full((2, 4, 8), 1e-4))
    expected = seen[1][:, :-1].std(dim=0, correction=0).mean().detach()
    torch.testing.assert_close(different, expected.expand(2, 4, 8), rtol=1e-3, atol=1e-4)
