"""Sources that allow not all objects, or none."""

import numpy as np
import pytest
from PIL import Image as PillowImage

from imaging.dicom_objects.parametric_map import parametric_map
from imaging.dicom_objects.result_set import Picture, result_objects
from imaging.dicom_source import require_dicom
from imaging.errors import NoDicomSourceError, NoFrameOfReferenceError
from imaging.read import read_image
from tests.imaging.dicom_builder import dicom_bytes
from tests.imaging.dicom_objects.results import FACTS, map_of, results_of
from tests.imaging.dicom_objects.sources import PATIENT, SourceFiles, chest_projection
from tests.service.uploads_builder import nifti_bytes, png_bytes


@pytest.mark.parametrize("content", [nifti_bytes(), png_bytes()], ids=["nifti", "png"])
def test_an_image_that_is_no_dicom_has_no_results_as_dicom(content: bytes):
    with pytest.raises(NoDicomSourceError, match=r"DICOM instances with \(0020,000D\) Study Instance UID"):
        require_dicom(read_image([content]).source.dicom)


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize(
    ("keyword", "value"),
    [("StudyInstanceUID", None), ("SeriesInstanceUID", "no UID"), ("SOPInstanceUID", "1/2")],
)
def test_an_instance_that_nothing_can_refer_to_has_no_results_as_dicom(keyword: str, value: str | None):
    image = read_image([dicom_bytes(np.zeros((2, 3), np.uint16), **{keyword: value})])
    assert image.source.dicom is None


def test_a_projection_has_all_but_a_map_and_the_reason_is_said():
    results = results_of(chest_projection())
    assert list(results.objects) == ["picture", "segmentation", "report"]
    assert results.left_out == {
        "map": "a Parametric Map needs every slice's place in a frame of reference, which the source lacks"
    }


def test_a_map_of_a_projection_is_refused():
    image = read_image(chest_projection().parts)
    with pytest.raises(NoFrameOfReferenceError):
        parametric_map(require_dicom(image.source.dicom), map_of(image), FACTS)


def test_frames_without_a_place_have_a_picture_and_a_report():
    frames = np.zeros((3, 4, 5), np.uint8)
    frames[1, 2, 3] = 200
    results = results_of(SourceFiles([dicom_bytes(frames, **PATIENT, Modality="US")], None, ""))
    assert list(results.objects) == ["picture", "report"]
    assert list(results.left_out) == ["map", "segmentation"]


def test_a_slice_with_a_place_but_no_frame_of_reference_is_marked_pixel_by_pixel():
    place = {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    content = dicom_bytes(np.full((2, 3), 900, np.uint16), **PATIENT, **place, PixelSpacing=[1, 1])
    results = results_of(SourceFiles([content], None, ""))
    assert list(results.left_out) == ["map"]
    assert results.objects["segmentation"].PatientOrientation == ["L", "P"]


def test_a_map_of_another_size_is_refused():
    source = require_dicom(read_image(chest_projection().parts).source.dicom)
    picture = Picture(PillowImage.new("RGB", (8, 6)), slice_index=0)
    with pytest.raises(ValueError, match=r"the map is \(1, 2, 2\), the source \(1, 6, 8\)"):
        result_objects(source, np.zeros((1, 2, 2)), picture=picture, findings=(), facts=FACTS)
