"""What is kept of DICOM headers for the results."""

import logging

import numpy as np
import pytest

from imaging.dicom_source import DicomSource, require_dicom
from imaging.read import read_image
from tests.imaging.dicom_builder import SECRET_NAME, dicom_bytes
from tests.imaging.dicom_objects.results import results_of
from tests.imaging.dicom_objects.sources import ALL, SourceFiles


def source_of(**elements: object) -> DicomSource:
    content = dicom_bytes(np.zeros((2, 3), np.uint16), **elements)
    return require_dicom(read_image([content]).source.dicom)


@pytest.mark.parametrize("name", ALL)
def test_it_comes_back_from_bytes_as_it_was(name: str):
    source = require_dicom(read_image(ALL[name]().parts).source.dicom)
    assert DicomSource.from_bytes(source.to_bytes()) == source


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_the_standard_forbids_is_left_empty():
    header = source_of(PatientSex="MALE", PatientBirthDate="29.02.1960", StudyTime="25:00").header
    assert (header.PatientSex, header.PatientBirthDate, header.StudyTime) == ("", "", "")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_uids_are_kept_to_the_letter():
    assert source_of(StudyInstanceUID="1.2.840.007.1").header.StudyInstanceUID == "1.2.840.007.1"


def test_names_in_other_alphabets_stay_readable():
    written = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    header = source_of(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=written).header
    assert str(header.PatientName) == written
    assert header.SpecificCharacterSet == "ISO_IR 192"


def test_a_scanners_own_megabytes_are_not_kept():
    source = source_of(ImageComments="x" * 10_000)
    assert len(source.to_bytes()) < 4_000


@pytest.mark.filterwarnings("ignore:The number of PN components", "ignore:Invalid value for VR")
def test_the_patient_is_neither_printed_nor_logged(caplog: pytest.LogCaptureFixture):
    content = dicom_bytes(
        np.full((2, 3), 900, np.uint16), PatientName="A=B=C=D=" + SECRET_NAME, PatientSex="?"
    )
    image = read_image([content])
    with caplog.at_level(logging.DEBUG):
        results_of(SourceFiles([content], None, ""))
    assert SECRET_NAME not in repr(image.source) + caplog.text
