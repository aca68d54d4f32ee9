"""Simplex noise is held to its definition, a sum over all corners, and to its law."""

import math

import pytest
import torch

from models.noise import derived_seed, uniform_noise
from models.simplex import UNSKEW, VARIANCE, SimplexNoise

SEED = torch.tensor(3)


def noise(wavelength: float, octaves: int = 1) -> SimplexNoise:
    return SimplexNoise(6, 8, wavelength=wavelength, octaves=octaves, persistence=0.5)


def by_hand(made: SimplexNoise, y: float, x: float) -> float:
    """One octave at a place of the skewed grid: no triangles, every corner that there is adds its share."""
    columns = int(made.columns)
    turns = 2 * math.pi * uniform_noise(derived_seed(SEED, 1), made._corners)
    total = 0.0
    for place, turn in enumerate(turns.tolist()):
        dy, dx = y - place // columns, x - place % columns
        dy, dx = dy - UNSKEW * (dy + dx), dx - UNSKEW * (dy + dx)
        total += max(0.0, 0.5 - dy**2 - dx**2) ** 4 * (math.sin(turn) * dy + math.cos(turn) * dx)
    return total / math.sqrt(VARIANCE)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (5, 7), (2, 6), (4, 1)])
def test_an_octave_is_the_sum_over_all_corners(row: int, column: int):
    made = noise(wavelength=3.0)
    shift_y, shift_x = uniform_noise(derived_seed(SEED, 0), 2).tolist()
    slant = (math.sqrt(3) - 1) / 2 * (row + column) / 3
    expected = by_hand(made, row / 3 + slant + shift_y, column / 3 + slant + shift_x)
    assert float(made(SEED)[row, column]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("octaves", [1, 3])
def test_noise_has_mean_0_and_variance_1_at_every_pixel(octaves: int):
    numbers = noise(8.0, octaves)(torch.arange(4000))
    # Five standard errors, for the worst of 48 pixels; no tail is longer than the normal law's.
    torch.testing.assert_close(numbers.mean(dim=0), torch.zeros(6, 8), rtol=0, atol=5 / 4000**0.5)
    torch.testing.assert_close((numbers**2).mean(dim=0), torch.ones(6, 8), rtol=0, atol=5 * (2 / 4000) ** 0.5)


def test_a_long_wave_hardly_differs_between_neighbours_and_a_short_one_does():
    long, short = (noise(wavelength)(torch.arange(500)) for wavelength in (64.0, 1.0))
    together = [float((numbers[:, :, 1:] * numbers[:, :, :-1]).mean()) for numbers in (long, short)]
    assert together[0] > 0.9 and abs(together[1]) < 0.3


def test_octaves_are_weighed_by_persistence():
    # Of variances 1 and 1/4 before the norm: the long wave has 4/5 of it, and joins pixels that far apart.
    numbers = SimplexNoise(2, 2, wavelength=10_000.0, octaves=2, persistence=0.5)
    assert numbers.heights.flatten().tolist() == pytest.approx([math.sqrt(x / 5 / VARIANCE) for x in (4, 1)])


def test_every_seed_of_many_draws_what_it_draws_alone():
    numbers = noise(8.0, 3)(torch.tensor([[2, 3]]))
    assert numbers.shape == (1, 2, 6, 8)
    torch.testing.assert_close(numbers[0, 1], noise(8.0, 3)(SEED))
