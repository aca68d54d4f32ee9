"""A loop takes as many turns as it is told to: in torch, in ONNX Runtime and in TorchScript."""

import copy
import logging
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from models.gradients import InputGradient
from models.loops import Loop

COUNTS = [0, 1, 3]


class Descends(nn.Module):
    """Turn k moves y by (k + 1) / 10 of the gradient of |y - x|², the second state counting its moves."""

    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(0.1), requires_grad=False)
        self.gradient = InputGradient(self.distance)
        self.loop = Loop(self.turn)

    def distance(self, guess: Tensor, images: Tensor) -> Tensor:
        return ((guess - images) ** 2).sum(dim=1)

    def turn(self, number: Tensor, guess: Tensor, moves: Tensor, images: Tensor) -> tuple[Tensor, ...]:
        moved = guess - self.rate * (number + 1) * self.gradient(guess, images)
        return moved, moves + 1

    def forward(self, images: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        guess, moves = self.loop(count, (2 * images, torch.zeros_like(images)), (images,))
        return guess, moves


IMAGES = torch.tensor([[1.0, 2.0], [3.0, -4.0], [0.5, 0.0]])
# The distance to x starts at x, and turn k keeps the share 1 - 2 (k + 1) / 10 of it.
LEFT = {0: 1.0, 1: 0.8, 3: 0.8 * 0.6 * 0.4}


@pytest.fixture(scope="module")
def traced() -> Descends:
    made = Descends()
    made.gradient.trace(IMAGES[:2], IMAGES[:2])
    return made


@pytest.fixture(scope="module")
def session(traced: Descends) -> onnxruntime.InferenceSession:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    shapes = ({0: torch.export.Dim("batch")}, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            traced, (IMAGES[:2], torch.tensor(2)), input_names=["images", "count"], opset_version=20,
            dynamo=True, dynamic_shapes=shapes, verbose=False,
        )  # fmt: skip
    assert [node.op_type for node in program.model_proto.graph.node].count("Loop") == 1
    return onnxruntime.InferenceSession(program.model_proto.SerializeToString())


@pytest.mark.parametrize("count", COUNTS)
def test_a_loop_takes_the_turns_it_is_told_to(count: int):
    guess, moves = Descends()(IMAGES, torch.tensor(count))
    torch.testing.assert_close(guess, IMAGES + LEFT[count] * IMAGES)
    assert torch.equal(moves, torch.full_like(IMAGES, count))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("count", COUNTS)
def test_onnx_runtime_takes_as_many_turns(session: onnxruntime.InferenceSession, count: int, batch: int):
    inputs = {"images": IMAGES[:batch].numpy(), "count": np.array(count)}
    guess, moves = session.run(None, inputs)
    np.testing.assert_allclose(guess, (IMAGES + LEFT[count] * IMAGES)[:batch], rtol=1e-6)
    np.testing.assert_array_equal(moves, np.full((batch, 2), count))


def test_torchscript_takes_as_many_turns(traced: Descends):
    made = copy.deepcopy(traced)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        made.loop.script(torch.tensor(2), (IMAGES[:2], IMAGES[:2]), (IMAGES[:2],))
        script = torch.jit.trace(made, (IMAGES[:2], torch.tensor(2)))
    for count in COUNTS:
        guess, moves = script(IMAGES, torch.tensor(count))
        torch.testing.assert_close(guess, IMAGES + LEFT[count] * IMAGES)
        assert torch.equal(moves, torch.full_like(IMAGES, count))


def test_a_loop_adds_nothing_to_a_checkpoint():
    assert list(Descends().state_dict()) == ["rate"]
