"""The noise that inference draws is a fixed function of its seed."""

import logging
import math
import warnings

import onnxruntime
import pytest
import torch

from models.noise import normal_noise

COUNT = 40_000


def noise(seed: int) -> torch.Tensor:
    return normal_noise(torch.tensor(seed), (COUNT,))


@pytest.mark.parametrize("seed", [0, 1, 2**40, -5])
def test_noise_has_the_moments_of_the_normal_law(seed: int):
    numbers = noise(seed)
    # Four standard errors of the mean, the variance 1 and the fourth moment 3.
    assert abs(float(numbers.mean())) < 4 / math.sqrt(COUNT)
    assert float((numbers**2).mean()) == pytest.approx(1, abs=4 * math.sqrt(2 / COUNT))
    assert float((numbers**4).mean()) == pytest.approx(3, abs=4 * math.sqrt(96 / COUNT))


def test_neighbouring_numbers_and_neighbouring_seeds_do_not_go_together():
    numbers, others = noise(0), noise(1)
    for product in (numbers[1:] * numbers[:-1], numbers * others, numbers[1:] * others[:-1]):
        assert abs(float(product.mean())) < 4 / math.sqrt(COUNT)


def test_one_seed_always_gives_the_same_numbers():
    assert torch.equal(noise(7), noise(7)) and not torch.equal(noise(7), noise(8))


def test_all_numbers_are_finite_and_none_is_beyond_what_32_bits_reach():
    numbers = torch.cat([noise(seed) for seed in range(10)])
    assert torch.isfinite(numbers).all() and float(numbers.abs().max()) < 6.8


class Noise(torch.nn.Module):
    def forward(self, seed: torch.Tensor) -> torch.Tensor:
        return normal_noise(seed, (100,))


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        example = (torch.tensor(0),)
        program = torch.onnx.export(Noise(), example, opset_version=20, dynamo=True, verbose=False)
    return onnxruntime.InferenceSession(program.model_proto.SerializeToString())


@pytest.mark.parametrize("seed", [0, 7, 2**40, -5])
def test_onnx_runtime_draws_the_same_numbers(session: onnxruntime.InferenceSession, seed: int):
    (found,) = session.run(None, {session.get_inputs()[0].name: torch.tensor(seed).numpy()})
    torch.testing.assert_close(torch.from_numpy(found), Noise()(torch.tensor(seed)), rtol=0, atol=1e-6)


def test_noise_has_the_size_that_is_asked_for():
    assert normal_noise(torch.tensor(0), (3, 2, 4)).shape == (3, 2, 4)
