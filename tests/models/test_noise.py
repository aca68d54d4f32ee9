"""The noise that inference draws is a fixed function of its seed."""

import logging
import math
import warnings

import onnxruntime
import pytest
import torch

from models.noise import coarse_noise, derived_seed, normal_noise
from models.simplex import SimplexNoise

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
    def __init__(self) -> None:
        super().__init__()
        self.simplex = SimplexNoise(8, 12, wavelength=16.0, octaves=3, persistence=0.8)

    def forward(self, seed: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return normal_noise(seed, (100,)), coarse_noise(seed, (2, 8, 12), grid=4), self.simplex(seed)


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
    found = session.run(None, {session.get_inputs()[0].name: torch.tensor(seed).numpy()})
    for numbers, expected in zip(found, Noise()(torch.tensor(seed)), strict=True):
        torch.testing.assert_close(torch.from_numpy(numbers), expected, rtol=0, atol=1e-5)


def test_noise_has_the_size_that_is_asked_for():
    assert normal_noise(torch.tensor(0), (3, 2, 4)).shape == (3, 2, 4)
    assert normal_noise(torch.tensor([[0, 1]]), (3, 4)).shape == (1, 2, 3, 4)
    assert coarse_noise(torch.tensor([0, 1]), (3, 8, 4), grid=2).shape == (2, 3, 8, 4)


def test_every_seed_of_many_draws_what_it_draws_alone():
    seeds = torch.tensor([4, 5])
    assert torch.equal(normal_noise(seeds, (6,))[1], normal_noise(torch.tensor(5), (6,)))
    alone = coarse_noise(torch.tensor(5), (1, 8, 8), grid=4)
    torch.testing.assert_close(coarse_noise(seeds, (1, 8, 8), grid=4)[1], alone)


def test_derived_seeds_are_not_those_of_a_neighbour():
    seeds = derived_seed(torch.arange(50)[:, None], torch.arange(50))
    assert len(seeds.unique()) == 50 * 50


def test_coarse_noise_has_variance_1_everywhere():
    numbers = coarse_noise(torch.arange(4000), (1, 6, 6), grid=3)
    # Five standard errors of the variance 1, for the worst of 36 places.
    torch.testing.assert_close(
        (numbers**2).mean(dim=0), torch.ones(1, 6, 6), rtol=0, atol=5 * (2 / 4000) ** 0.5
    )


def test_coarse_noise_is_a_straight_line_between_nodes_but_for_its_norm():
    near, far = (coarse_noise(torch.arange(2000), (1, 1, 64), grid=2)[:, 0, 0, place] for place in (1, 63))
    start = coarse_noise(torch.arange(2000), (1, 1, 64), grid=2)[:, 0, 0, 0]
    assert float((start * near).mean()) > 0.95 and float((start * far).mean()) < 0.8
