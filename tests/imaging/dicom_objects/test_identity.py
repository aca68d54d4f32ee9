"""Whose the results are, and that a repeat of a job makes the same ones."""

import io
from dataclasses import replace

import pydicom
import pytest

from imaging.dicom_objects.identity import uid_of
from imaging.dicom_objects.result_set import object_bytes
from tests.imaging.dicom_builder import SERIES_UID, STUDY_UID
from tests.imaging.dicom_objects.results import FACTS, results_of
from tests.imaging.dicom_objects.sources import FRAME_OF_REFERENCE, axial_ct, enhanced_mr

KINDS = ["map", "picture", "segmentation", "report"]


def test_all_four_kinds_are_made_of_a_volume():
    results = results_of(axial_ct())
    assert list(results.objects) == KINDS
    assert results.left_out == {}


@pytest.mark.parametrize("files", [axial_ct(), enhanced_mr()], ids=["axial_ct", "enhanced_mr"])
def test_a_repeat_of_a_job_gives_the_same_bytes(files):
    first, second = results_of(files).objects, results_of(files).objects
    assert [object_bytes(first[kind]) for kind in KINDS] == [object_bytes(second[kind]) for kind in KINDS]


def test_a_later_repeat_gives_the_same_uids():
    later = replace(FACTS, created_at=FACTS.created_at.replace(year=2027))
    first, second = results_of(axial_ct()).objects, results_of(axial_ct(), later).objects
    assert [uids_of(first[kind]) for kind in KINDS] == [uids_of(second[kind]) for kind in KINDS]


def test_another_job_gives_other_objects_in_other_series():
    first = results_of(axial_ct()).objects
    second = results_of(axial_ct(), replace(FACTS, job_id="job-2")).objects
    own = {uid for made in (first, second) for kind in KINDS for uid in identity_of(made[kind])}
    assert len(own) == 2 * 2 * len(KINDS)


def test_names_that_are_cut_elsewhere_are_other_names():
    assert uid_of("a", "bc") != uid_of("ab", "c")
    assert len(uid_of("job-1", "map")) <= 64


@pytest.mark.parametrize("kind", KINDS)
def test_results_join_the_sources_patient_and_study_in_a_series_of_their_own(kind: str):
    made = pydicom.dcmread(io.BytesIO(object_bytes(results_of(axial_ct()).objects[kind])))
    assert (made.StudyInstanceUID, made.AccessionNumber, made.StudyID) == (STUDY_UID, "A-99", "7")
    assert (made.PatientID, made.PatientBirthDate, made.PatientSex) == ("P-17", "19600229", "M")
    assert str(made.PatientName) == "Müller^Jörg"
    assert made.StudyDescription == "Head"
    assert made.SeriesInstanceUID != SERIES_UID
    assert "RESEARCH USE ONLY" in made.SeriesDescription
    assert (made.ContentDate, made.ContentTime, made.TimezoneOffsetFromUTC) == ("20261124", "083000", "+0000")


@pytest.mark.parametrize("kind", ["map", "picture", "segmentation"])
def test_images_are_qualified_for_research(kind: str):
    assert results_of(axial_ct()).objects[kind].ContentQualification == "RESEARCH"


@pytest.mark.parametrize("kind", ["map", "segmentation"])
def test_volumes_keep_the_sources_frame_of_reference(kind: str):
    assert results_of(axial_ct()).objects[kind].FrameOfReferenceUID == FRAME_OF_REFERENCE


@pytest.mark.parametrize("kind", KINDS)
def test_results_name_the_model_its_version_and_its_bundle(kind: str):
    made = results_of(axial_ct()).objects[kind]
    assert (made.Manufacturer, made.ManufacturerModelName) == ("Atypia", "padim-brain")
    assert (made.SoftwareVersions, made.DeviceSerialNumber) == ("1.2.0", "ab" * 32)


def identity_of(made: pydicom.Dataset) -> tuple[str, str]:
    return made.SOPInstanceUID, made.SeriesInstanceUID


def uids_of(made: pydicom.Dataset) -> list[str]:
    return [str(element.value) for element in made.iterall() if element.VR == "UI"]
