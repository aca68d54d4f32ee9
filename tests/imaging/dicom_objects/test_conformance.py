"""What David Clunie's validator says of every object of every kind of source."""

from dataclasses import replace
from pathlib import Path

import pytest

from imaging.dicom_objects.result_set import object_bytes
from tests.imaging.dicom_objects.results import FACTS, results_of
from tests.imaging.dicom_objects.sources import ALL
from tests.imaging.dicom_objects.validator import errors_of


@pytest.mark.parametrize("name", ALL)
def test_the_validator_reports_no_error(name: str, tmp_path: Path):
    objects = results_of(ALL[name]()).objects
    errors = {kind: errors_of(object_bytes(made), tmp_path) for kind, made in objects.items()}
    assert errors == {kind: [] for kind in objects}


def test_the_validator_would_report_one(tmp_path: Path):
    made = results_of(ALL["axial_ct"]()).objects["map"]
    del made.FrameOfReferenceUID
    assert errors_of(object_bytes(made), tmp_path) != []


@pytest.mark.parametrize("name", ALL)
def test_nor_of_results_without_a_finding(name: str, tmp_path: Path):
    objects = results_of(ALL[name](), replace(FACTS, map_threshold=5.0)).objects
    assert not objects["segmentation"].pixel_array.any()
    assert [errors_of(object_bytes(made), tmp_path) for made in objects.values()] == [[]] * len(objects)
