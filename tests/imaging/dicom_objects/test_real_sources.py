"""Every real file of the shared data: the objects that its places allow, with no error in them."""

from pathlib import Path

import pytest

from imaging.dicom_objects.result_set import object_bytes
from imaging.read import read_image
from tests.imaging.dicom_objects.results import results_of
from tests.imaging.dicom_objects.sources import SourceFiles
from tests.imaging.dicom_objects.validator import errors_of
from tests.imaging.test_real_dicom import FOLDER, IMAGES, content

LARGEST_BYTES = 600_000
SMALL = [row["file"] for row in IMAGES if int(row["bytes"]) <= LARGEST_BYTES]
pytestmark = pytest.mark.skipif(not SMALL, reason=f"the shared DICOM files ({FOLDER.name}) are absent")


@pytest.mark.parametrize("file", SMALL)
def test_a_real_file_has_results_without_error(file: str, tmp_path: Path):
    source = read_image([content(file)]).source.dicom
    if source is None:
        pytest.skip("its instance has no UIDs")
    results = results_of(SourceFiles([content(file)], None, ""))
    expected = {"map", "picture", "segmentation", "report"}
    if not source.has_places:
        expected -= {"map"} if len(source.planes) == 1 else {"map", "segmentation"}
    assert set(results.objects) == expected
    errors = [error for made in results.objects.values() for error in errors_of(object_bytes(made), tmp_path)]
    # Some files were given UIDs by hand, which the results must repeat.
    assert [error for error in errors if "Illegal root for UID" not in error] == []
