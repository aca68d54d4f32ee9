"""The picture that any station shows."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from imaging.overlay import grey_picture, paint_overlay
from imaging.read import read_image
from tests.imaging.dicom_objects.results import FACTS, map_of, results_of
from tests.imaging.dicom_objects.sources import (
    SourceFiles,
    axial_ct,
    chest_projection,
    enhanced_mr,
    oblique_mr,
)


def picture_of(files: SourceFiles) -> Dataset:
    return results_of(files).objects["picture"]


def test_its_lower_part_is_the_overlay_with_legend_and_notice_pixel_for_pixel():
    image = read_image(axial_ct().parts)
    painted = np.asarray(paint_overlay(grey_picture(image, 1), map_of(image)[1], limit=FACTS.full_colour))
    shown = picture_of(axial_ct()).pixel_array
    np.testing.assert_array_equal(shown[-len(painted) :], painted)


def test_its_caption_is_above_the_picture_and_says_something():
    image = read_image(axial_ct().parts)
    painted = np.asarray(paint_overlay(grey_picture(image, 1), map_of(image)[1], limit=FACTS.full_colour))
    caption = picture_of(axial_ct()).pixel_array[: -len(painted)]
    assert caption.shape[0] == 50
    assert caption.max() > 150


def test_it_refers_to_its_slice():
    (reference,) = picture_of(axial_ct()).SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == "1.2.3.2"


def test_it_refers_to_its_frame():
    (reference,) = picture_of(enhanced_mr()).SourceImageSequence
    assert reference.ReferencedFrameNumber == 2


@pytest.mark.parametrize(
    ("files", "directions"),
    [(axial_ct(), ["L", "P"]), (oblique_mr(), ["LAH", "PHL"]), (chest_projection(), ["L", "F"])],
    ids=["axial", "oblique", "projection"],
)
def test_it_says_where_rows_and_columns_run_to(files: SourceFiles, directions: list[str]):
    assert picture_of(files).PatientOrientation == directions


def test_it_claims_no_place_in_the_patient():
    assert "ImagePositionPatient" not in picture_of(axial_ct())
