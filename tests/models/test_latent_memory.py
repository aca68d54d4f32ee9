import math

import pytest
import torch

from models.blocks.angles import nearest_angle, unit
from models.method import AnomalyMethod, Batch, Descent, InputShape, Observation
from models.methods.memdae import MemDae
from models.methods.rlad import Rlad

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(12, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def rlad(**options: object) -> Rlad:
    torch.manual_seed(0)
    chosen = {"width": 2, "latent": 2, "neighbourhood": 1, "neighbours": 1, **options}
    return Rlad(SHAPE, Rlad.Options(**chosen))  # type: ignore[arg-type]


def at(*degrees: float) -> torch.Tensor:
    radians = torch.tensor(degrees) * math.pi / 180
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def test_the_angle_to_the_two_nearest_is_averaged():
    torch.testing.assert_close(nearest_angle(at(0), at(90, 36, -54, 180), 2), torch.tensor([0.25]))


def test_the_same_direction_is_at_angle_zero_and_the_opposite_at_one():
    torch.testing.assert_close(nearest_angle(at(30, 210), at(30), 1), torch.tensor([0.0, 1.0]))


def test_a_tiny_angle_keeps_its_digits():
    memory = unit(torch.tensor([[1.0, 1e-5]]))
    torch.testing.assert_close(nearest_angle(at(0), memory, 1), torch.tensor([1e-5 / math.pi]))


def test_memdae_remembers_the_trained_latents_of_all_images():
    torch.manual_seed(0)
    method = MemDae(SHAPE, MemDae.Options(width=2, latent=4, neighbours=1)).eval()
    method.observe(IMAGES)
    method.finalize()
    torch.testing.assert_close(method(IMAGES).score, torch.zeros(12), rtol=0, atol=1e-3)
    assert method.memory.shape == (12, 4)


@pytest.mark.parametrize("name", ["memdae", "rlad"])
def test_too_few_images_to_remember_are_refused(name: str):
    method = MemDae(SHAPE, MemDae.Options(width=2)) if name == "memdae" else rlad()
    last = method.eval().stages()[-1]
    assert isinstance(last, Observation)
    last.observe(IMAGES[:1])
    with pytest.raises(ValueError, match=rf"{name} needs at least \d training images; it saw 1"):
        last.finalize()


def test_the_reencoded_reconstruction_counts_where_it_is_asked_for():
    losses = []
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        method = MemDae(SHAPE, MemDae.Options(width=2, latent=4, feature_weight=weight))
        losses.append(first_loss(method))
    assert losses[1] > losses[0]


def first_loss(method: AnomalyMethod) -> float:
    stage = method.stages()[0]
    assert isinstance(stage, Descent)
    return float(next(stage.step(Batch(IMAGES, torch.zeros(12)), 0)).loss.detach())


def discovered(share: float) -> Rlad:
    """Four directions: two 10 degrees apart, and two 40 apart."""
    method = rlad()
    method._seen = [at(0, 10, 180, 220)]
    method.discover(share)
    return method


def test_a_neighbourhood_is_the_image_and_its_most_alike():
    assert discovered(0.0).neighbourhoods.tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]


def test_images_with_the_clearest_neighbours_become_anchors_first():
    assert discovered(0.0).is_anchor.tolist() == [False] * 4
    assert discovered(0.5).is_anchor.tolist() == [False, False, True, True]
    assert discovered(1.0).is_anchor.tolist() == [True] * 4


def test_an_image_that_is_no_anchor_is_told_from_all_others():
    method = discovered(0.0)
    p = torch.softmax(at(0) @ method.memory.T / 0.1, dim=1)
    torch.testing.assert_close(method._contrast(at(0), torch.tensor([0])), -p[:, 0].log())


def test_an_anchor_is_told_from_all_but_its_neighbourhood():
    method = discovered(1.0)
    p = torch.softmax(at(0) @ method.memory.T / 0.1, dim=1)
    torch.testing.assert_close(method._contrast(at(0), torch.tensor([0])), -(p[:, 0] + p[:, 1]).log())


def test_the_memory_of_a_batchs_images_moves_half_way():
    method = rlad(latent=8, augment=0.0).eval()
    method.observe(IMAGES)
    method.discover(0.0)
    method.memory = before = torch.eye(8)[torch.arange(12) % 8]
    latent = unit(method.encoder(IMAGES[3:4])).detach()
    list(method._step(Batch(IMAGES[3:4], torch.zeros(1), torch.tensor([3])), 0))
    assert torch.equal(method.memory[:3], torch.eye(8)[:3])
    torch.testing.assert_close(method.memory[3:4], unit(torch.eye(8)[3:4] + latent))
    assert before is method.memory


def test_there_are_eleven_rounds_at_a_selection_rate_of_a_tenth():
    stages = rlad(selection_rate=0.1).stages()
    assert [stage.name for stage in stages[:3]] == ["discover 0", "round 0", "discover 1"]
    assert [stage.name for stage in stages[-2:]] == ["round 10", "remember"]
