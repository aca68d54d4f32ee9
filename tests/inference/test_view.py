"""The steps of whole volumes, and the way back: landmarks in scans of any orientation and spacing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy.spatial.transform import Rotation

from inference import steps
from inference.errors import OutOfScopeError
from inference.lattice import Lattice
from inference.map_planes import MapPlanes
from inference.preprocess import prepare_view
from inference.view import view_of
from tests.inference.volumes import centre_of, centred, image_of, places_of, scan

SHAPE = (24, 40, 44)
PLAIN = centred(np.diag([2.0, 2.0, 4.0]), SHAPE)
# The slices of a tilted gantry are moved against each other along the rows.
TILTED = centred(np.array([[2.0, 0, 0], [0, 2.0, 1.4], [0, 0, 4.0]]), SHAPE)

ANGLES = st.tuples(*[st.floats(-180, 180)] * 3)
SPACINGS = st.tuples(*[st.floats(1.2, 4)] * 3)
PLANES = st.sampled_from(["axial", "coronal", "sagittal"])


def laid_back(image, chain):
    """What the network would see, as if it were the map, on the image's own voxels."""
    view = view_of(image, chain)
    slices = list(prepare_view(view, image, chain))
    return MapPlanes.of(np.stack([part.pixels[0] for part in slices]), slices, view.lattice).whole()


@settings(max_examples=40, deadline=None)
@given(ANGLES, SPACINGS, PLANES, st.floats(1.5, 4), st.sampled_from(["linear", "cubic"]))
def test_a_landmark_comes_back_to_its_place_from_any_scan(angles, spacing, plane, in_plane_mm, interpolation):
    turned = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    affine = centred(turned, (40, 40, 40))
    image = scan(affine, (40, 40, 40), ball_mm=(4.0, -3.0, 5.0))
    chain = [
        steps.Reorient(plane=plane),
        steps.Resample(in_plane_mm=in_plane_mm, between_mm=3.0, interpolation=interpolation),
    ]
    found = laid_back(image, chain)
    assert found.shape == image.pixels.shape[1:]
    np.testing.assert_allclose(centre_of(np.clip(found, 0, None), affine), (4.0, -3.0, 5.0), atol=0.3)


@pytest.mark.parametrize("affine", [PLAIN, TILTED], ids=["straight", "tilted gantry"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_landmark_comes_back_through_crops_and_resizes_too(affine, plane):
    image = scan(affine, SHAPE, ball_mm=(6.0, -5.0, 8.0))
    chain = [
        steps.Reorient(plane=plane),
        steps.Resample(in_plane_mm=1.5),
        steps.CropBorder(fraction=0.1),
        steps.Resize(height=64, width=56),
    ]
    np.testing.assert_allclose(centre_of(laid_back(image, chain), affine), (6.0, -5.0, 8.0), atol=0.7)


@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3), PLANES)
def test_reorienting_alone_changes_no_value_and_is_undone_exactly(order, flips, plane):
    signs = np.where(flips, -1.0, 1.0)
    directions = (np.eye(3) * signs)[:, order]
    pixels = np.random.default_rng(0).random((5, 6, 7)).astype(np.float32)
    image = image_of(pixels, centred(directions, (5, 6, 7)))
    np.testing.assert_array_equal(laid_back(image, [steps.Reorient(plane=plane)]), pixels)


@pytest.mark.parametrize(
    ("plane", "down", "right"),
    [
        ("axial", (0, 1, 0), (1, 0, 0)),
        ("coronal", (0, 0, -1), (1, 0, 0)),
        ("sagittal", (0, 0, -1), (0, 1, 0)),
    ],
)
def test_a_plane_shows_the_patient_as_readers_are_used_to(plane, down, right):
    directions = np.array([[0, 0, -1.0], [-1, 0, 0], [0, 1, 0]])  # a sagittal scan, rows along the head
    affine = centred(directions, (9, 10, 11))
    for axis in range(3):
        image = image_of(places_of(affine, (9, 10, 11))[..., axis], affine)
        pixels = view_of(image, [steps.Reorient(plane=plane)]).pixels[0]
        assert pixels[0, 1, 0] - pixels[0, 0, 0] == down[axis]
        assert pixels[0, 0, 1] - pixels[0, 0, 0] == right[axis]


def test_a_resampled_volume_has_the_spacing_and_covers_the_scan():
    image = scan(PLAIN, SHAPE, ball_mm=(0, 0, 0))
    view = view_of(image, [steps.Resample(in_plane_mm=1.0, between_mm=3.0)])
    assert view.pixels.shape == (1, 32, 80, 88)
    assert view.lattice is not None
    assert [axis.step for axis in view.lattice.axes] == [0.75, 0.5, 0.5]
    [value] = {round(float(axis.start + axis.end), 6) - (count - 1) for axis, count in
               zip(view.lattice.axes, SHAPE, strict=True)}  # fmt: skip
    assert value == 0  # the middle is the middle


def test_the_distance_of_slices_stays_where_none_is_asked_for():
    assert view_of(scan(PLAIN, SHAPE), [steps.Resample(in_plane_mm=4.0)]).pixels.shape == (1, 24, 20, 22)


def test_a_volume_of_the_right_spacing_is_not_touched():
    image = scan(PLAIN, SHAPE, ball_mm=(0, 0, 0))
    view = view_of(image, [steps.Resample(in_plane_mm=2.0, between_mm=4.0)])
    np.testing.assert_array_equal(view.pixels, image.pixels)


def test_an_image_that_no_step_asks_to_change_is_not_copied():
    image = scan(PLAIN, SHAPE)
    view = view_of(image, [steps.PercentileStretch()])
    assert np.shares_memory(view.pixels, image.pixels)
    assert view.lattice is None


def test_a_map_is_zero_beside_the_slab_and_whole_between_slices_that_are_left_out():
    image = image_of(np.ones(SHAPE), PLAIN)
    found = laid_back(image, [steps.Slab(start=0.25, stop=0.75, stride=3)])
    inside = np.flatnonzero(found.any(axis=(1, 2)))
    assert (inside[0], inside[-1]) == (5, 16)  # 6, 9, 12, 15 were scored; each stands for its neighbours
    np.testing.assert_allclose(found[5:17], 1)


@pytest.mark.parametrize(
    ("slab", "chosen"),
    [
        (steps.Slab(start=0.5), range(12, 24)),
        (steps.Slab(unit="mm", start=8, stop=16), range(2, 5)),
        (steps.Slab(unit="mm", start=-8), range(21, 24)),
        (steps.Slab(unit="mm", stop=-60), range(9)),
        (steps.Slab(unit="lps_mm", start=-10, stop=10), range(9, 15)),
        (steps.Slab(stride=10), range(0, 24, 10)),
    ],
)
def test_a_slab_is_counted_in_shares_millimetres_or_the_patients_own(slab, chosen):
    assert view_of(scan(PLAIN, SHAPE), [slab]).chosen == chosen


def test_the_patients_coordinate_is_that_of_slices_that_run_downwards_too():
    upside_down = centred(np.diag([2.0, 2.0, -4.0]), SHAPE)
    view = view_of(scan(upside_down, SHAPE), [steps.Slab(unit="lps_mm", start=20)])
    assert view.chosen == range(7)


def test_a_slab_counts_from_the_region_where_the_chain_looks_for_one():
    pixels = np.zeros(SHAPE)
    pixels[6:16, 5:35, 5:35] = 100 + np.random.default_rng(0).random((10, 30, 30))
    chain = [steps.Mask(region="head"), steps.Slab(start=0.5)]
    assert view_of(image_of(pixels, PLAIN), chain).chosen == range(11, 16)


def test_outside_the_region_the_network_sees_the_lowest_value_and_the_map_is_nothing():
    pixels = np.full(SHAPE, -1000.0)
    pixels[4:20, 8:32, 8:36] = 40 + np.random.default_rng(0).random((16, 24, 28))
    pixels[10, 2:4, 2:4] = 500  # a marker beside the body
    chain = [steps.Mask(region="body")]
    view = view_of(image_of(pixels, PLAIN), chain)
    assert view.pixels[0, 10, 3, 3] == -1000
    assert view.chosen == range(4, 20)
    slices = list(prepare_view(view, image_of(pixels, PLAIN), chain))
    whole = MapPlanes.of(np.ones((16, *SHAPE[1:])), slices, view.lattice).whole()
    assert 0.99 < whole.sum() / (16 * 24 * 28) <= 1  # the region's corners are cut
    assert whole[10, 3, 3] == whole[2, 20, 20] == 0


def test_neighbours_are_the_volumes_own_where_a_slab_leaves_them_out():
    numbered = image_of(np.arange(24.0)[:, None, None] * np.ones(SHAPE), PLAIN)
    chain = [steps.Slab(start=0.5, stride=4), steps.NeighbouringSlices(before=1, after=2)]
    slices = list(prepare_view(view_of(numbered, chain), numbered, chain))
    assert [part.pixels[:, 0, 0].tolist() for part in slices] == [
        [11, 12, 13, 14],
        [15, 16, 17, 18],
        [19, 20, 21, 22],
    ]


@pytest.mark.parametrize(
    ("image", "step", "words"),
    [
        (replace(scan(PLAIN, SHAPE), geometry="none"), steps.Resample(in_plane_mm=1), "how large its pixels"),
        (scan(PLAIN, (1, 40, 44)), steps.Reorient(plane="coronal"), "a single slice, and not coronal"),
        (scan(PLAIN, SHAPE), steps.Mask(region="brain"), "no brain was found"),
        (scan(PLAIN, SHAPE), steps.Slab(unit="lps_mm", start=500), "no slice in the slab"),
        (scan(PLAIN, (9, 4000, 4000)), steps.Resample(in_plane_mm=0.2), "voxels, more than"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_in_a_sentence(image, step, words):
    with pytest.raises(OutOfScopeError, match=words):
        view_of(image, [step])


def test_a_single_picture_is_resampled_in_its_plane():
    picture = scan(PLAIN, (1, 40, 44))
    assert view_of(picture, [steps.Resample(in_plane_mm=4.0, between_mm=1.0)]).pixels.shape == (1, 1, 20, 22)


def test_the_inputs_are_never_modified():
    image = scan(TILTED, SHAPE, ball_mm=(0, 0, 0))
    before = image.pixels.copy()
    laid_back(
        image, [steps.Reorient(plane="coronal"), steps.Resample(in_plane_mm=3.0), steps.Mask(region="head")]
    )
    np.testing.assert_array_equal(image.pixels, before)


def test_one_slice_of_a_map_is_that_of_the_whole():
    image = scan(TILTED, SHAPE, ball_mm=(6.0, -5.0, 8.0))
    for plane in ("axial", "sagittal"):
        chain = [steps.Reorient(plane=plane), steps.Resample(in_plane_mm=3.0, between_mm=3.0)]
        view = view_of(image, chain)
        slices = list(prepare_view(view, image, chain))
        planes = MapPlanes.of(np.stack([part.pixels[0] for part in slices]), slices, view.lattice)
        np.testing.assert_allclose(planes.plane(14), planes.whole()[14], rtol=1e-5)


def test_a_lattice_is_written_down_and_read_back():
    lattice = (
        Lattice.of((5, 6, 7)).turned((2, 0, 1), (True, False, True)).coarsened(1, 1.7).sliced(range(1, 6, 2))
    )
    assert Lattice.from_bytes(lattice.to_bytes()) == lattice


@pytest.mark.parametrize(
    "chain",
    [
        [{"name": "resize", "height": 8, "width": 8}, {"name": "reorient"}],
        [{"name": "mask", "region": "head"}, {"name": "resample", "in_plane_mm": 1}],
        [{"name": "slab"}, {"name": "slab"}],
        [{"name": "neighbouring_slices"}, {"name": "slab"}],
    ],
)
def test_steps_of_volumes_come_first_and_in_order(chain):
    with pytest.raises(ValidationError, match="must come before"):
        TypeAdapter(steps.Chain).validate_python(chain)


@pytest.mark.parametrize(
    "slab",
    [{"start": 0.5, "stop": 0.5}, {"start": -1}, {"unit": "mm", "start": -5, "stop": -9}, {"stride": 0}],
)
def test_a_slab_without_slices_is_refused_in_the_manifest_already(slab):
    with pytest.raises(ValidationError):
        steps.Slab(**slab)
