"""Many instances to one volume."""

import numpy as np
import pytest
from pydicom.uid import generate_uid

from imaging.errors import ImageTooLargeError, InconsistentSeriesError, UnreadableImageError
from imaging.limits import Limits
from imaging.read import inspect_image, read_image
from tests.imaging.dicom_builder import (
    SERIES_UID,
    STUDY_UID,
    dicom_bytes,
    dicom_dataset,
    item,
    slice_bytes,
    write,
)


def test_slices_are_sorted_by_position_and_never_by_instance_number():
    parts = [slice_bytes(z, value=int(z), InstanceNumber=n) for n, z in enumerate([6, 0, 3])]
    image = read_image(parts)
    np.testing.assert_array_equal(image.pixels[0, :, 0, 0], [0, 3, 6])
    assert image.warnings == ()


def test_the_affine_maps_column_row_slice_to_lps_millimetres():
    image = read_image([slice_bytes(z) for z in (5, 8)])
    np.testing.assert_allclose(image.affine @ [2, 1, 1, 1], [10 + 2 * 0.5, 20 + 1 * 2, 8, 1])
    assert image.spacing == (0.5, 2.0, 3.0)
    assert image.geometry == "patient"


def test_the_source_names_the_instance_of_every_slice():
    uids = [generate_uid() for _ in range(2)]
    image = read_image([slice_bytes(z, SOPInstanceUID=uid) for z, uid in zip((9, 1), uids, strict=True)])
    assert [instance.sop_instance_uid for instance in image.source.instances] == uids[::-1]
    assert (image.source.study_uid, image.source.series_uid) == (STUDY_UID, SERIES_UID)


def test_a_repeated_instance_is_dropped_with_a_warning():
    parts = [slice_bytes(z, SOPInstanceUID=f"1.2.{z}") for z in (0, 3, 3)]
    assert read_image(parts).warnings == ("1 of 3 files repeat another instance and are left out",)


def test_of_several_time_points_the_first_is_used():
    parts = [slice_bytes(z, value=t, TemporalPositionIdentifier=t) for t in (2, 1) for z in (0, 3)]
    image = read_image(parts)
    assert image.pixels.shape == (1, 2, 2, 3)
    assert image.pixels.max() == 1
    assert image.warnings == (
        "there are 4 images at 2 positions (2 at each); the first in time at each position is used",
    )


def test_a_gap_is_named():
    image = read_image([slice_bytes(z) for z in (0, 3, 6, 12)])
    assert image.warnings == ("slices are missing: 1 gaps, the widest 6.00 mm; 3.00 mm is usual",)


def test_uneven_spacing_is_named():
    image = read_image([slice_bytes(z) for z in (0, 3, 6.3)])
    assert image.warnings == (
        "the slices are unevenly spaced, 3.00 to 3.30 mm; their mean of 3.15 mm is used",
    )


def test_a_tilted_gantry_shears_the_affine():
    parts = [slice_bytes(z, ImagePositionPatient=[0, z, z]) for z in (0, 1)]
    image = read_image(parts)
    np.testing.assert_allclose(image.affine[:3, 2], [0, 1, 1])
    assert image.warnings == (
        "the gantry was tilted by 45.0 degrees: the volume is sheared, and its affine says so",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, r"2 images are of 2 orientations \(1, 1\)"),
        ({"SeriesInstanceUID": "1.2.3"}, r"2 images are of 2 series \(1, 1\)"),
        ({"Rows": 3, "Columns": 2}, r"2 images are of 2 image sizes \(1, 1\)"),
        ({"ImagePositionPatient": None}, r"1 of the 2 files have no \(0020,0032\)"),
    ],
)
def test_what_forms_no_series_is_refused_with_counts(change, words):
    parts = [slice_bytes(0), slice_bytes(3, **change)]
    for look in (read_image, inspect_image):
        with pytest.raises(InconsistentSeriesError, match=words):
            look(parts)


def test_an_orientation_that_is_no_rotation_is_refused():
    with pytest.raises(UnreadableImageError, match="not two perpendicular unit vectors"):
        read_image([slice_bytes(0, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])])


def test_a_series_larger_than_the_limits_is_refused_before_decoding():
    with pytest.raises(ImageTooLargeError, match="2 slices ask for 48 bytes"):
        inspect_image([slice_bytes(z) for z in (0, 3)], limits=Limits(max_decoded_bytes=40))


def test_enhanced_frames_are_placed_and_rescaled_one_by_one():
    frames = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, z])],
            PixelValueTransformationSequence=[item(RescaleSlope=slope, RescaleIntercept=0)],
        )
        for z, slope in ((4, 10), (2, 100))
    ]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=2)],
        FrameVOILUTSequence=[item(WindowCenter=50, WindowWidth=100)],
    )
    dataset = dicom_dataset(
        np.array([[[1, 2]], [[3, 4]]], np.int16),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )
    image = read_image([write(dataset)])
    np.testing.assert_array_equal(image.pixels, [[[[300, 400]], [[10, 20]]]])
    assert [instance.frame for instance in image.source.instances] == [1, 0]
    assert image.spacing == (1, 1, 2)
    assert image.voi is not None


def test_a_cine_without_positions_is_a_stack_without_geometry():
    image = read_image([dicom_bytes(np.zeros((4, 2, 2), np.uint8))])
    assert (image.pixels.shape, image.geometry, image.spacing) == ((1, 4, 2, 2), "none", None)
    assert image.warnings == (
        "the 4 frames have no position in the patient; they are stacked in the order of the file",
    )


def test_a_projection_has_the_spacing_of_its_detector():
    image = read_image(
        [dicom_bytes(np.zeros((2, 2), np.uint8), Modality="DX", ImagerPixelSpacing=[0.2, 0.1])]
    )
    assert (image.geometry, image.spacing) == ("detector", (0.1, 0.2, 1.0))


def test_a_header_tells_what_will_be_read():
    header = inspect_image([slice_bytes(z, BodyPartExamined="HEAD") for z in (0, 3)])
    assert (header.format, header.modality, header.body_part) == ("dicom", "CT", "HEAD")
    assert (header.rows, header.columns, header.slices) == (2, 3, 2)
