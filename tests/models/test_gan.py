import math
from typing import Any

import pytest
import torch

from models.blocks.gan import Gan, GanOptions
from models.method import Batch, InputShape


def build(shape: InputShape | None = None, **changed: Any) -> Gan:
    torch.manual_seed(0)
    options = {"kind": "wgan_gp", "width": 2, "latent": 4, "learning_rate": 1e-2, "critic_turns": 5}
    options |= {"penalty": 10.0, "average": 0.0} | changed
    return Gan(shape or InputShape(1, 16, 16), GanOptions(**options))  # type: ignore[arg-type]


def batch() -> Batch:
    return Batch(torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1)), torch.zeros(2))


def run(gan: Gan, steps: int) -> list[list[str]]:
    """Steps as the loop takes them; who was updated in each."""
    optimizers = gan.optimizers()
    turns = []
    for number in range(steps):
        turns.append([])
        for update in gan.step(batch(), number):
            optimizers[update.optimizer].zero_grad()
            update.loss.backward()
            optimizers[update.optimizer].step()
            turns[-1].append(update.optimizer)
    return turns


def test_a_wgan_generator_steps_after_every_fifth_critic_step():
    assert run(build(), 5) == [["critic"]] * 4 + [["critic", "generator"]]


@pytest.mark.parametrize("kind", ["dcgan", "gan"])
def test_others_take_turns(kind: str):
    assert run(build(kind=kind), 2) == [["critic", "generator"]] * 2


def test_the_generators_turn_works_out_no_gradient_of_the_critic():
    gan = build(critic_turns=1)
    critic, generator = gan.step(batch(), 0), []
    next(critic)
    generator = next(critic)
    generator.loss.backward()
    assert all(parameter.grad is None for parameter in gan.critic.parameters())
    assert all(parameter.grad is not None for parameter in gan.generator.parameters())


def test_the_critic_learns_again_after_the_generators_turn():
    gan = build(critic_turns=1)
    run(gan, 1)
    assert all(parameter.requires_grad for parameter in gan.critic.parameters())


def test_a_discriminator_that_knows_nothing_has_a_loss_of_two_log_two():
    gan = build(kind="gan")
    for parameter in gan.critic.parameters():
        torch.nn.init.zeros_(parameter)
    first = next(gan.step(batch(), 0))
    assert float(first.loss.detach()) == pytest.approx(2 * math.log(2))


def test_the_average_keeps_its_share_of_the_past():
    gan = build(average=0.75, critic_turns=1)
    before = torch.nn.utils.parameters_to_vector(gan.generator.parameters()).clone()
    run(gan, 1)  # the first step is taken over whole
    after = torch.nn.utils.parameters_to_vector(gan.generator.parameters()).clone()
    assert not torch.equal(after, before)
    run(gan, 1)
    now = torch.nn.utils.parameters_to_vector(gan.generator.parameters())
    averaged = torch.nn.utils.parameters_to_vector(gan.best.parameters())
    torch.testing.assert_close(averaged, 0.75 * after + 0.25 * now)


@pytest.mark.parametrize("kind", ["wgan_gp", "dcgan", "gan"])
@pytest.mark.parametrize(
    "shape", [InputShape(1, 28, 28), InputShape(3, 32, 32), InputShape(3, 128, 128), InputShape(1, 256, 192)]
)
def test_generated_images_have_the_shape_and_range_of_real_ones(kind: str, shape: InputShape):
    images = build(shape, kind=kind).generate(2)
    assert images.shape == (2, shape.channels, shape.height, shape.width)
    assert images.min() >= 0 and images.max() <= 1


def test_pictures_are_the_same_points_every_time():
    gan = build().eval()
    first, second = gan.pictures(), gan.pictures()
    assert set(first) == {"samples", "walk"}
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_walk_starts_at_the_first_sample():
    pictures = build().eval().pictures()
    torch.testing.assert_close(pictures["walk"][0], pictures["samples"][0])
