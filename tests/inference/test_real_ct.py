"""The body in real CT: a series with a tilted gantry, and a head on its rest."""

from pathlib import Path

import numpy as np
import pytest

from imaging.image import Image
from imaging.read import read_image
from inference import steps
from inference.map_planes import MapPlanes
from inference.preprocess import prepare_view
from inference.view import view_of
from tests.inference.volumes import places_of

FOLDER = Path(__file__).parents[3] / "shared/data/dicom"
pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="the shared DICOM files (../shared/data/dicom) are absent"
)

BODY = steps.Mask(region="body")


def tilted() -> Image:
    return read_image(
        [path.read_bytes() for path in sorted((FOLDER / "series_head_ct_gantry_tilt").iterdir())]
    )


def test_the_rest_that_a_head_lies_on_is_none_of_the_body():
    image = read_image([(FOLDER / "wg04/CT2_JLSL.dcm").read_bytes()])
    view = view_of(image, [BODY])
    assert view.mask is not None
    assert image.pixels[0, 470:478, 250].max() > -300  # the rest
    assert not view.mask[0, 465:].any()
    assert view.mask[0, 70:440, 250].all()


def test_a_point_of_a_tilted_series_comes_back_to_its_place():
    image = tilted()
    chain = [
        steps.Reorient(plane="axial"),
        steps.Resample(in_plane_mm=1.5, between_mm=4.0),
        steps.Slab(start=0.1, stop=0.9),
    ]
    view = view_of(image, chain)
    slices = list(prepare_view(view, image, chain))
    found = MapPlanes.of(np.stack([part.pixels[0] for part in slices]), slices, view.lattice).whole()
    scored = found.any(axis=(1, 2))
    assert 0.6 < scored.mean() < 1
    values, back = image.pixels[0][scored], found[scored]
    assert np.corrcoef(values.ravel(), back.ravel())[0, 1] > 0.95
    places = places_of(image.affine, found.shape)[scored].reshape(-1, 3)
    middles = [np.average(places, axis=0, weights=(part.ravel() + 1000).clip(0)) for part in (values, back)]
    assert np.abs(middles[0] - middles[1]).max() < 0.2  # millimetres


def test_nothing_of_the_map_lies_in_the_air_around_the_head():
    image = tilted()
    view = view_of(image, [BODY])
    slices = list(prepare_view(view, image, [BODY]))
    whole = MapPlanes.of(np.ones((len(slices), 512, 512)), slices, view.lattice).whole()
    assert image.pixels[0][whole > 0].mean() > -200
    assert image.pixels[0][whole == 0].mean() < -900
