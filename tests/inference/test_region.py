"""Heads, bodies and brains made of ellipsoids."""

import numpy as np
import pytest

from inference.region import find_region

SHAPE = (30, 80, 70)
MM = (4.0, 2.5, 2.5)
RNG = np.random.default_rng(0)


def ellipsoid(*radii_mm: float, centre_mm: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    places = np.indices(SHAPE).astype(float)
    for axis in range(3):
        middle = (SHAPE[axis] - 1) / 2 * MM[axis] + centre_mm[axis]
        places[axis] = (places[axis] * MM[axis] - middle) / radii_mm[axis]
    return np.asarray((places**2).sum(axis=0) <= 1)


SCALP, BONE, BRAIN = ellipsoid(58, 95, 80), ellipsoid(54, 90, 75), ellipsoid(46, 80, 65)


def head_mr() -> np.ndarray:
    """Bright scalp, dark bone, grey brain, and the noise of air."""
    values = np.abs(RNG.normal(0, 8, SHAPE))
    values[SCALP] += 220
    values[BONE] = np.abs(RNG.normal(15, 8, int(BONE.sum())))
    values[BRAIN] = RNG.normal(150, 20, int(BRAIN.sum()))
    return values


def dice(found: np.ndarray, true: np.ndarray) -> float:
    return float(2 * (found & true).sum() / (found.sum() + true.sum()))


def test_a_brain_is_told_from_the_scalp_around_it():
    assert dice(find_region(head_mr(), "brain", spacing=MM), BRAIN) > 0.93


def test_a_brain_that_was_stripped_already_stays_whole():
    assert dice(find_region(np.where(BRAIN, head_mr(), 0), "brain", spacing=MM), BRAIN) > 0.95


def test_a_brain_in_a_slab_of_few_slices_reaches_both_ends():
    slab = find_region(head_mr()[12:16], "brain", spacing=MM)
    assert dice(slab, BRAIN[12:16]) > 0.93
    assert slab.any(axis=(1, 2)).all()


def test_a_head_holds_its_scalp_and_bone():
    assert dice(find_region(head_mr(), "head", spacing=MM), SCALP) > 0.97


def test_a_body_holds_its_lungs_and_not_the_table_it_lies_on():
    values = np.full(SHAPE, -1000.0) + RNG.normal(0, 10, SHAPE)
    body = ellipsoid(500, 70, 80)  # longer than the scan
    lung = ellipsoid(500, 30, 20, centre_mm=(0, 0, 30))
    values[body], values[lung] = 40, -800
    table = np.zeros(SHAPE, bool)
    table[:, 72:74] = True
    values[table] = 200
    found = find_region(values, "body", spacing=MM)
    assert dice(found, body) > 0.95
    assert found[lung].mean() > 0.99
    assert not (found & table).any()


def test_a_piece_of_metal_does_not_hide_the_body():
    values = np.where(SCALP, 100.0, 0) + RNG.normal(0, 5, SHAPE)
    values[15, 40:42, 35:37] = 30_000
    assert dice(find_region(values, "body", spacing=MM), SCALP) > 0.95


def test_a_long_scan_is_looked_at_as_coarsely_as_memory_wants():
    body = ellipsoid(500, 70, 80).repeat(20, axis=0)
    assert dice(find_region(body * 100.0, "body", spacing=MM), body) > 0.97


@pytest.mark.parametrize("region", ["head", "body", "brain"])
def test_an_empty_volume_has_no_region(region):
    assert not find_region(np.zeros(SHAPE), region, spacing=MM).any()


@pytest.mark.parametrize("region", ["head", "body"])
def test_a_region_does_not_depend_on_the_voxels_size(region):
    fine = find_region(SCALP.repeat(2, axis=1).repeat(2, axis=2) * 100.0, region, spacing=(4.0, 1.25, 1.25))
    assert dice(fine, SCALP.repeat(2, axis=1).repeat(2, axis=2)) > 0.96
