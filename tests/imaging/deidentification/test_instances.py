"""A DICOM file afterwards: valid, the same pixels, the same image to our reader, and says what was done."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
)

from imaging.deidentification.dicom_instance import IMPLEMENTATION_UID
from imaging.deidentification.files import Deidentified, deidentify_file
from imaging.deidentification.profile import Option, Profile
from imaging.dicom_file import split_dicom
from imaging.errors import ImagingError, UnreadableImageError, UnsupportedImageError
from imaging.limits import Limits
from imaging.read import read_image
from tests.imaging.dicom_builder import dicom_bytes, dicom_dataset, slice_bytes, write
from tests.imaging.dicom_objects.sources import ALL
from tests.imaging.dicom_objects.validator import errors_of

FOLDER = Path(__file__).parents[4] / "shared/data/dicom"
REAL = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix in (".dcm", ""))
REFUSED = {"MR_truncated.dcm", "no_meta.dcm"}  # as by the reader
PIXELS = np.arange(6, dtype=np.int16).reshape(2, 3)


def deidentified(content: bytes, *options: Option) -> Deidentified:
    return deidentify_file(content, key=b"k" * 32, profile=Profile(frozenset(options)), limits=Limits())


def read(content: bytes) -> Dataset:
    return dcmread(DicomBytesIO(content))


def pixels_of(content: bytes) -> bytes:
    """As encoded; of fragments without what may follow them."""
    pixels = split_dicom(content, limits=Limits()).pixels
    assert pixels is not None
    return bytes(pixels.encoded)


@pytest.mark.skipif(not REAL, reason="the shared DICOM files (../shared/data/dicom) are absent")
@pytest.mark.parametrize("path", REAL, ids=[str(path.relative_to(FOLDER)) for path in REAL])
def test_a_real_file_is_the_same_image_with_the_same_pixels(path: Path):
    content = path.read_bytes()
    if path.name in REFUSED:
        with pytest.raises(ImagingError):
            deidentified(content)
        return
    made = deidentified(content).content
    try:
        image = read_image([content])
    except ImagingError as error:
        with pytest.raises(type(error)):
            read_image([made])
        return
    again = read_image([made])
    np.testing.assert_array_equal(again.pixels, image.pixels)
    np.testing.assert_array_equal(again.affine, image.affine)
    assert (again.modality, again.body_part, again.warnings) == (
        image.modality,
        image.body_part,
        image.warnings,
    )
    assert pixels_of(content).startswith(pixels_of(made).removesuffix(b"\xfe\xff\xdd\xe0" + bytes(4)))
    assert deidentified(made).content == made


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "options", [(), (Option.RETAIN_MODIFIED_DATES,), tuple(set(Option) - {Option.RETAIN_FULL_DATES})]
)
def test_the_validator_finds_nothing_new(name: str, options: tuple[Option, ...], tmp_path: Path):
    [content, *_] = ALL[name]().parts
    before = errors_of(content, tmp_path)
    assert set(errors_of(deidentified(content, *options).content, tmp_path)) - set(before) == set()


def test_it_says_what_was_done():
    header = read(deidentified(slice_bytes(0), Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_UIDS).content)
    codes = [
        (item.CodeValue, item.CodingSchemeDesignator) for item in header.DeidentificationMethodCodeSequence
    ]
    assert codes == [("113100", "DCM"), ("113109", "DCM"), ("113110", "DCM")]
    assert header.PatientIdentityRemoved == "YES"
    assert header.LongitudinalTemporalInformationModified == "REMOVED"


def test_preamble_and_meta_are_written_anew():
    source = dicom_dataset(PIXELS)
    source.preamble = b"MZ" + b"\x90" * 126  # a program for Windows, CVE-2019-11687
    source.file_meta.SourceApplicationEntityTitle = "SECRET_AE"
    content = write(source)
    made = deidentified(content).content
    assert made[:132] == bytes(128) + b"DICM" and b"SECRET_AE" not in made
    assert read(made).file_meta.ImplementationClassUID == IMPLEMENTATION_UID


def test_what_follows_the_pixels_is_left_out():
    content = dicom_bytes(PIXELS) + b"\xfc\xff\xfc\xffOB\0\0\x08\0\0\0SECRET!!"
    made = deidentified(content).content
    assert b"SECRET" not in made
    np.testing.assert_array_equal(read(made).pixel_array, PIXELS)


def test_a_deflated_file_stays_deflated():
    source = dicom_dataset(PIXELS)
    source.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    header = read(deidentified(write(source)).content)
    assert header.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    np.testing.assert_array_equal(header.pixel_array, PIXELS)
    assert "SECRET" not in str(header)


def test_an_object_without_pixels_is_one_afterwards():
    made = deidentified(dicom_bytes(PIXELS, PixelData=None, Rows=None, Modality="SR"))
    assert "PixelData" not in read(made.content) and made.report.files == 1


def test_a_file_that_ends_within_its_pixels_is_refused():
    with pytest.raises(UnreadableImageError, match="ends within its pixel data"):
        deidentified(dicom_bytes(PIXELS)[:-2])


def test_an_index_of_files_is_refused():
    index = dicom_bytes(PIXELS, PixelData=None, Rows=None, SOPClassUID=MediaStorageDirectoryStorage)
    with pytest.raises(UnsupportedImageError, match="DICOMDIR"):
        deidentified(index)


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Modality": "US"}, "ultrasound images often have text burned in"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "secondary captures often have text burned in"),
        ({"BurnedInAnnotation": "YES"}, "text is burned into the image"),
    ],
)
def test_burned_in_text_is_warned_of(elements: dict[str, str], words: str):
    [warning] = deidentified(dicom_bytes(PIXELS, **elements)).report.warnings
    assert words in warning


def test_the_report_counts_and_tells_no_value():
    report = deidentified(
        slice_bytes(0, PatientID="SECRET-1", StudyDate="20200101", InstitutionName="SECRET CLINIC")
    ).report.to_json()
    assert "SECRET" not in str(report) and "20200101" not in str(report)
    rows = {(row["keyword"], row["action"]): row["count"] for row in report["elements"]}
    assert rows == {
        ("InstitutionName", "replaced"): 1,
        ("PatientID", "replaced"): 1,
        ("PatientName", "replaced"): 1,
        ("SOPInstanceUID", "mapped"): 1,
        ("SeriesInstanceUID", "mapped"): 1,
        ("StudyDate", "emptied"): 1,
        ("StudyInstanceUID", "mapped"): 1,
    }
    assert (report["files"], report["uids_mapped"], report["private_removed"]) == (1, 3, 0)
