"""Where a landmark of the source lies in the results, as readers see it that are not ours."""

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import gdcm
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.imaging.dicom_objects.results import FACTS, items_under, written
from tests.imaging.dicom_objects.sources import (
    ALL,
    COLUMNS,
    LANDMARK,
    PLACED,
    ROWS,
    SPACING,
    SourceFiles,
    axial_ct,
    chest_projection,
)
from tests.system_packages import program

PEAK_ALONE = replace(FACTS, map_threshold=0.9)
UPRIGHT = [name for name in PLACED if name != "tilted_ct"]  # dcmqi reads no sheared volume


def read_by_dcmqi(tool: str, content: bytes, folder: Path) -> nibabel.Nifti1Image:
    (folder / "object.dcm").write_bytes(content)
    command = [program(tool, "dcmqi"), "--inputDICOM", "object.dcm", "--outputDirectory", ".", "-t", "nii"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    (volume,) = folder.glob("*.nii.gz")
    image = nibabel.load(volume)
    assert isinstance(image, nibabel.Nifti1Image)
    return image


def lps_of(image: nibabel.Nifti1Image, index: tuple[int, ...]) -> np.ndarray:
    return np.array((image.affine @ [*index, 1])[:3]) * [-1, -1, 1]


def peak_by_arithmetic(content: bytes) -> tuple[np.ndarray, Dataset]:
    """World coordinates of the highest value by the standard's own formula, and the header of its frame."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    values = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    frame, row, column = np.unravel_index(values.argmax(), values.shape)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    group = dataset.PerFrameFunctionalGroupsSequence[int(frame)]
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    between_rows, between_columns = shared.PixelMeasuresSequence[0].PixelSpacing
    place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
    place += column * between_columns * orientation[:3] + row * between_rows * orientation[3:]
    return place, group


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize("kind", ["map", "segmentation"])
def test_the_landmark_is_where_it_was_by_the_standards_formula(name: str, kind: str):
    files = PLACED[name]()
    place, _group = peak_by_arithmetic(written(files, kind, PEAK_ALONE))
    np.testing.assert_allclose(place, files.landmark, atol=1e-6)


@pytest.mark.parametrize("name", UPRIGHT)
def test_dcmqi_finds_the_maps_peak_at_the_landmark(name: str, tmp_path: Path):
    files = PLACED[name]()
    volume = read_by_dcmqi("paramap2itkimage", written(files, "map"), tmp_path)
    values = np.asarray(volume.dataobj)
    assert values.max() == 1.0
    peak = tuple(int(part) for part in np.unravel_index(values.argmax(), values.shape))
    np.testing.assert_allclose(lps_of(volume, peak), files.landmark, atol=1e-4)


@pytest.mark.parametrize("name", UPRIGHT)
def test_dcmqi_finds_the_segment_at_the_landmark_and_beside_it(name: str, tmp_path: Path):
    files = PLACED[name]()
    volume = read_by_dcmqi("segimage2itkimage", written(files, "segmentation"), tmp_path)
    marked = [lps_of(volume, tuple(index)) for index in np.argwhere(np.asarray(volume.dataobj))]
    assert len(marked) == 2
    assert min(np.linalg.norm(place - files.landmark) for place in marked) < 1e-4


def test_a_single_slice_is_as_thick_as_its_source_says(tmp_path: Path):
    files = axial_ct()
    alone = SourceFiles(files.parts[:1], None, "")
    volume = read_by_dcmqi("paramap2itkimage", written(alone, "map"), tmp_path)
    np.testing.assert_allclose(volume.header.get_zooms(), [SPACING[1], SPACING[0], 3])


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize("kind", ["map", "segmentation"])
def test_the_landmarks_frame_refers_to_the_instance_and_frame_it_came_from(name: str, kind: str):
    files = PLACED[name]()
    _place, group = peak_by_arithmetic(written(files, kind, PEAK_ALONE))
    (reference,) = group.DerivationImageSequence[0].SourceImageSequence
    assert (reference.ReferencedSOPInstanceUID, reference.get("ReferencedFrameNumber")) == (
        files.instance_uid,
        files.frame,
    )


def test_gdcm_finds_a_projections_segment_on_the_sources_own_pixels(tmp_path: Path):
    content = written(chest_projection(), "segmentation")
    (tmp_path / "object.dcm").write_bytes(content)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(tmp_path / "object.dcm"))
    assert reader.Read()
    columns, rows = reader.GetImage().GetDimensions()
    assert (rows, columns) == (ROWS, COLUMNS)
    bits = np.frombuffer(reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape"), np.uint8)
    marked = np.unpackbits(bits, bitorder="little")[: rows * columns].reshape(rows, columns)
    assert [tuple(index) for index in np.argwhere(marked)] == [LANDMARK]


def test_a_projections_segment_refers_to_its_image_and_claims_no_place():
    dataset = pydicom.dcmread(io.BytesIO(written(chest_projection(), "segmentation")))
    (reference,) = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == "1.2.3.60"
    assert reference.SpatialLocationsPreserved == "YES"
    assert "FrameOfReferenceUID" not in dataset
    assert "PlanePosition" not in str(dataset)
    assert dataset.PatientOrientation == ["L", "F"]


@pytest.mark.parametrize("name", ALL)
def test_a_reports_finding_outlines_the_landmarks_pixel_on_its_image(name: str):
    files = ALL[name]()
    dataset = pydicom.dcmread(io.BytesIO(written(files, "report")))
    (outline,) = [item for item in items_under(dataset) if item.ValueType == "SCOORD"]
    reference = outline.ContentSequence[0].ReferencedSOPSequence[0]
    assert (reference.ReferencedSOPInstanceUID, reference.get("ReferencedFrameNumber")) == (
        files.instance_uid,
        files.frame,
    )
    row, column = LANDMARK
    corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1), (column, row)]
    assert np.array(outline.GraphicData).reshape(-1, 2).tolist() == [list(corner) for corner in corners]
