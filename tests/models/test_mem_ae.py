import math

import pytest
import torch

from models.blocks.memory import Addressing, Memory, entropy
from models.method import Batch, Descent, InputShape
from models.methods.mem_ae import MemoryAutoencoder

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def memory(slots: list[list[float]], *, shrinkage: float, addressing: Addressing) -> Memory:
    made = Memory(len(slots), len(slots[0]), shrinkage=shrinkage, addressing=addressing)
    made.slots = torch.nn.Parameter(torch.tensor(slots))
    return made


def test_weights_are_the_softmax_of_the_cosines():
    read, weights = memory([[2.0, 0.0], [0.0, 3.0]], shrinkage=0.0, addressing="cosine")(
        torch.tensor([[5.0, 0.0]])
    )
    near = math.e / (math.e + 1)
    torch.testing.assert_close(weights, torch.tensor([[near, 1 - near]]))
    torch.testing.assert_close(read, torch.tensor([[2 * near, 3 * (1 - near)]]))


def test_weights_can_be_the_softmax_of_the_products():
    held = memory([[1.0, 0.0], [0.0, 1.0]], shrinkage=0.0, addressing="dot")
    _read, weights = held(torch.tensor([[math.log(4.0), 0.0]]))
    torch.testing.assert_close(weights, torch.tensor([[0.8, 0.2]]))


def test_a_weight_below_the_shrinkage_is_dropped_and_the_rest_sum_to_one():
    held = memory([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], shrinkage=0.15, addressing="dot")
    # The softmax is 6/8, 1.5/8 and 0.5/8 before the last is dropped.
    _read, weights = held(torch.tensor([[0.5 * math.log(12.0), math.log(1.5) - 0.5 * math.log(3.0)]]))
    torch.testing.assert_close(weights, torch.tensor([[0.8, 0.2, 0.0]]))


def test_what_is_read_lies_among_the_slots_that_are_kept():
    held = memory([[1.0, 0.0], [0.0, 1.0]], shrinkage=0.5, addressing="cosine")
    read, _weights = held(torch.tensor([[0.9, 0.1], [-3.0, 40.0]]))
    torch.testing.assert_close(read, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))


def test_the_entropy_of_one_slot_is_none_and_of_two_equal_ones_log_2():
    weights = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    torch.testing.assert_close(entropy(weights), torch.tensor([0.0, math.log(2.0)]))


def test_the_loss_weighs_the_entropy():
    torch.manual_seed(0)
    method = MemoryAutoencoder(SHAPE, MemoryAutoencoder.Options(width=2, latent=3, entropy_weight=0.5))
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    torch.testing.assert_close(update.loss, update.logs["residual"] + 0.5 * update.logs["entropy"])


def test_the_slots_are_learned():
    torch.manual_seed(0)
    method = MemoryAutoencoder(SHAPE, MemoryAutoencoder.Options(width=2, latent=3))
    [stage] = method.stages()
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    update.loss.backward()
    assert method.memory.slots.grad is not None and method.memory.slots.grad.abs().sum() > 0


@pytest.mark.parametrize("addressing", ["cosine", "dot"])
def test_an_image_is_drawn_from_the_memory_alone(addressing: Addressing):
    options = MemoryAutoencoder.Options(width=2, latent=3, slots=1, shrinkage=0.0, addressing=addressing)
    drawn = MemoryAutoencoder(SHAPE, options).eval()(IMAGES).reconstruction
    torch.testing.assert_close(drawn, drawn[:1].expand_as(drawn))
