"""One identity, one pseudonym: under one key, in every file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import UID, CTImageStorage

from imaging.deidentification.dummies import moved
from imaging.deidentification.files import deidentify_file
from imaging.deidentification.profile import Profile
from imaging.deidentification.pseudonyms import LONGEST_SHIFT_DAYS, Pseudonyms
from imaging.limits import Limits
from tests.imaging.dicom_builder import item, slice_bytes

OURS, OTHER = Pseudonyms(b"k" * 32), Pseudonyms(b"l" * 32)
UIDS = st.from_regex(r"[12]\.[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){1,5}", fullmatch=True)


def cleaned(content: bytes, *options: str, key: bytes = OURS.key, subject: str | None = None) -> bytes:
    return deidentify_file(
        content, key=key, profile=Profile.named(options), limits=Limits(), subject=subject
    ).content


def read(content: bytes) -> Dataset:
    return dcmread(DicomBytesIO(content))


@given(UIDS)
def test_a_uid_is_a_uuid_of_version_8_and_the_same_each_time(uid: str):
    made = OURS.uid(uid)
    number = int(made.removeprefix("2.25."))
    assert UID(made).is_valid and len(made) <= 64
    assert (number >> 76 & 0xF, number >> 62 & 0b11) == (8, 0b10)
    assert made == Pseudonyms(OURS.key).uid(uid) != OTHER.uid(uid)


@given(UIDS)
def test_a_pseudonym_is_left_under_its_own_key_alone(uid: str):
    made = OURS.uid(uid)
    assert OURS.uid(made) == made and OTHER.uid(made) != made


@pytest.mark.parametrize("uid", [CTImageStorage, "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.4.1.1"])
def test_a_registered_uid_stays(uid: str):
    assert OURS.uid(uid) == uid


@given(st.text(max_size=80))
def test_a_patient_is_told_by_a_name_of_one_length(identity: str):
    made = OURS.patient(identity)
    assert len(made) == 32 and OURS.patient(made) == made
    assert made == Pseudonyms(OURS.key).patient(identity) != OTHER.patient(identity)


@given(st.text(max_size=80))
def test_days_go_back_by_ten_years_at_most(identity: str):
    assert 1 <= OURS.days_earlier(identity) <= LONGEST_SHIFT_DAYS


def test_a_key_that_can_be_guessed_is_none():
    with pytest.raises(ValueError, match="the key has 4 bytes"):
        Pseudonyms(b"1234")


def test_references_between_two_files_still_lead_there():
    first = slice_bytes(0, SOPInstanceUID="1.2.3.1")
    link = [item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID="1.2.3.1")]
    second = slice_bytes(1, SOPInstanceUID="1.2.3.2", ReferencedImageSequence=link)
    target, source = read(cleaned(first)), read(cleaned(second))
    assert source.ReferencedImageSequence[0].ReferencedSOPInstanceUID == target.SOPInstanceUID
    assert source.ReferencedImageSequence[0].ReferencedSOPClassUID == CTImageStorage
    assert source.SeriesInstanceUID == target.SeriesInstanceUID != "1.2.826.0.1.3680043.8.498.2"
    assert target.file_meta.MediaStorageSOPInstanceUID == target.SOPInstanceUID


def test_another_key_leads_nowhere():
    content = slice_bytes(0, PatientID="P1")
    ours, theirs = read(cleaned(content)), read(cleaned(content, key=OTHER.key))
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "PatientName"):
        assert ours[keyword].value != theirs[keyword].value


@pytest.mark.parametrize("options", [(), ("retain-full-dates",), ("retain-modified-dates", "retain-uids")])
def test_twice_is_as_once(options: tuple[str, ...]):
    content = slice_bytes(0, PatientID="P1", StudyDate="20200229", StudyTime="101500")
    once = cleaned(content, *options)
    assert once != content and cleaned(once, *options) == once


def test_a_header_that_says_it_was_done_is_not_believed():
    content = slice_bytes(0, PatientIdentityRemoved="YES", LongitudinalTemporalInformationModified="MODIFIED")
    assert b"SECRET" in content and b"SECRET" not in cleaned(content)


def test_a_subject_may_be_called_by_a_given_name():
    header = read(cleaned(slice_bytes(0, PatientID="P1"), subject="TRIAL-007"))
    assert (header.PatientID, str(header.PatientName)) == ("TRIAL-007", "TRIAL-007")


def test_moved_dates_keep_their_distance_within_a_patient():
    def date(patient: str, day: str) -> str:
        content = slice_bytes(0, PatientID=patient, StudyDate=day, AcquisitionDateTime=f"{day}101500.5+0100")
        header = read(cleaned(content, "retain-modified-dates"))
        assert header.AcquisitionDateTime == f"{header.StudyDate}101500.5+0100"
        assert header.LongitudinalTemporalInformationModified == "MODIFIED"
        return str(header.StudyDate)

    days = OURS.days_earlier("P1")
    assert date("P1", "20200229") == moved("20200229", "DA", days)
    assert date("P1", "20200301") == moved("20200301", "DA", days)
    assert date("P2", "20200229") != date("P1", "20200229")


@pytest.mark.parametrize(
    ("value", "vr", "expected"),
    [
        ("20200301", "DA", "20200229"),
        ("2020.03.01", "DA", "20200229"),
        ("20200301\\20200302", "DA", "20200229\\20200301"),
        ("20200301-20200302", "DA", "20200229-20200301"),
        ("20200301120000.5-0500", "DT", "20200229120000.5-0500"),
        ("2020", "DT", "2019"),
        ("202003", "DT", "202002"),
        ("101500.25", "TM", "101500.25"),
        ("SECRET", "TM", None),
        ("SECRET", "DA", None),
        ("20201399", "DA", None),
        ("20200301SECRET", "DT", None),
        ("00010101", "DA", None),
    ],
)
def test_a_day_earlier(value: str, vr: str, expected: str | None):
    assert moved(value, vr, 1) == expected


def test_a_date_that_is_none_becomes_a_dummy():
    content = slice_bytes(0, AcquisitionDate="20200101").replace(b"20200101", b"SECRETXY")
    assert read(cleaned(content, "retain-modified-dates")).AcquisitionDate == "19000101"
