"""Every real file of the shared data: the right pixels, or one named error."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from imaging.dicom_file import parse_dicom
from imaging.dicom_pixels import stored_frames
from imaging.errors import ImagingError, NoPixelDataError, UnreadableImageError, UnsupportedImageError
from imaging.image import Image
from imaging.limits import Limits
from imaging.read import inspect_image, read_image

FOLDER = Path(__file__).parents[3] / "shared/data/dicom"
INDEX = FOLDER / "INDEX.csv"
pytestmark = pytest.mark.skipif(
    not INDEX.exists(), reason="the shared DICOM files (../shared/data/dicom) are absent"
)

ERRORS: dict[str, tuple[type[ImagingError], str]] = {
    "MR_truncated": (UnreadableImageError, "8,130 of 8,192 bytes arrived"),
    "no_meta": (UnsupportedImageError, "of no type that can be read"),
    "JPGExtended": (UnsupportedImageError, "JPEG Extended of 12 bits has no decoder here"),
    "rtplan": (NoPixelDataError, "RT Plan Storage"),
    "reportsi": (NoPixelDataError, "Basic Text SR Storage"),
    "test-SR": (NoPixelDataError, "Comprehensive SR Storage"),
    "waveform_ecg": (NoPixelDataError, "12-lead ECG Waveform Storage"),
    "badVR": (UnreadableImageError, r"\(0028,0008\) Number of Frames is not a number"),
    "meta_missing_tsyntax": (UnreadableImageError, r"\(0028,0010\) Rows is None"),
    "empty_charset_LEI": (NoPixelDataError, "of no known SOP class"),
    "no_meta_group_length": (NoPixelDataError, "of no known SOP class"),
    "ExplVR_BigEndNoMeta": (NoPixelDataError, "RT Ion Plan Storage"),
    "UN_sequence": (NoPixelDataError, "of no known SOP class"),
    "sr_document": (NoPixelDataError, "Comprehensive 3D SR Storage"),
}
READ_THOUGH_TOO_SHORT = "emri_small_jpeg_2k_lossless_too_short"


def listed() -> list[dict[str, str]]:
    if not INDEX.exists():
        return []
    with INDEX.open() as rows:
        return list(csv.DictReader(rows))


ROWS = listed()
IMAGES = [row for row in ROWS if not row["pixels"].startswith("ERR") and Path(row["file"]).stem not in ERRORS]


def content(file: str) -> bytes:
    return (FOLDER / file).read_bytes()


def image(file: str) -> Image:
    return read_image([content(file)])


def series(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((FOLDER / folder).iterdir())]


def test_no_listed_file_is_left_out():
    failing = {Path(row["file"]).stem for row in ROWS if row["pixels"].startswith("ERR")}
    assert failing <= set(ERRORS) | {READ_THOUGH_TOO_SHORT}


@pytest.mark.parametrize("row", IMAGES, ids=[row["file"] for row in IMAGES])
def test_stored_values_are_the_listed_ones(row):
    shape, low, high = re.fullmatch(r"\((.*)\) \S+ \[(.*),(.*)\]", row["pixels"]).groups()
    file = parse_dicom(content(row["file"]), limits=Limits())
    stored = np.stack(list(stored_frames(file, range(file.frame_count))))
    stored = stored[0] if file.frame_count == 1 else stored
    assert ", ".join(map(str, stored.shape)) == shape
    # Decoders of lossy JPEG may differ by one grey value.
    tolerance = 1 if "JPEG Baseline" in row["transfer_syntax"] else 0
    np.testing.assert_allclose([stored.min(), stored.max()], [float(low), float(high)], atol=tolerance)


@pytest.mark.parametrize(
    "row", [r for r in IMAGES if "series_" not in r["file"]], ids=lambda row: row["file"]
)
def test_inspection_says_what_reading_gives(row):
    read, header = image(row["file"]), inspect_image([content(row["file"])])
    assert read.slices.shape == (header.slices, 1, header.rows, header.columns)
    assert np.isfinite(read.pixels).all()
    assert read.modality == (row["modality"] or None)


@pytest.mark.parametrize("stem", ERRORS)
def test_what_is_no_image_gets_one_named_error(stem):
    file = next(row["file"] for row in ROWS if Path(row["file"]).stem == stem)
    error, words = ERRORS[stem]
    for look in (inspect_image, read_image):
        with pytest.raises(error, match=words) as caught:
            look([content(file)])
        assert type(caught.value) is error


@pytest.mark.parametrize(
    "files",
    [
        [f"wg04/CT2_{kind}.dcm" for kind in ("J2KR", "JLSL", "JPLL", "RLE")],
        [
            f"basic/MR_small{kind}.dcm"
            for kind in (
                "",
                "_RLE",
                "_bigendian",
                "_implicit",
                "_jp2klossless",
                "_jpeg_ls_lossless",
                "_padded",
            )
        ],
        [
            f"pydicom_data/emri_small{kind}.dcm"
            for kind in (
                "",
                "_RLE",
                "_big_endian",
                "_jpeg_2k_lossless",
                "_jpeg_ls_lossless",
                "_jpeg_2k_lossless_too_short",
            )
        ],
    ],
    ids=["CT2", "MR_small", "emri_small"],
)
def test_one_image_is_the_same_in_every_transfer_syntax(files):
    first = image(files[0])
    for file in files[1:]:
        np.testing.assert_array_equal(image(file).pixels, first.pixels)


@pytest.mark.parametrize("kind", ["J2KI", "JLSN"])
def test_lossy_syntaxes_are_close_to_the_lossless_one(kind):
    difference = image(f"wg04/CT2_{kind}.dcm").pixels - image("wg04/CT2_RLE.dcm").pixels
    assert np.abs(difference).mean() < {"J2KI": 40, "JLSN": 5}[kind]


def test_a_ct_slice_is_in_hounsfield_units():
    assert (image("basic/CT_small.dcm").pixels.min(), image("basic/CT_small.dcm").pixels.max()) == (
        -896,
        1167,
    )


def test_the_same_radiograph_as_monochrome1_is_turned_over():
    inverted = image("cxr/Fake_MONOHR1.dcm").pixels
    plain = image("cxr/1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm").pixels
    np.testing.assert_array_equal(inverted, 255 - plain)


def test_a_dose_grid_is_in_gray_and_evenly_spaced():
    dose = image("basic/rtdose.dcm")
    assert dose.pixels.max() == pytest.approx(1.254)
    assert dose.spacing == (10, 10, 5)


def test_a_tilted_head_ct_is_one_sheared_volume():
    volume = read_image(series("series_head_ct_gantry_tilt"))
    assert volume.pixels.shape == (1, 14, 512, 512)
    assert volume.warnings == (
        "the gantry was tilted by 18.5 degrees: the volume is sheared, and its affine says so",
    )
    np.testing.assert_allclose(volume.affine[:3, 2], [0, 0, 7.38], atol=1e-6)


def test_a_fmri_series_gives_its_first_time_point():
    volume = read_image(series("series_epi_4d_ge"))
    assert volume.pixels.shape == (1, 15, 64, 64)
    assert volume.spacing == pytest.approx((3.75, 3.75, 5.0))
    assert volume.warnings == (
        "there are 150 images at 15 positions (10 at each); the first in time at each position is used",
    )


def test_field_map_frames_at_one_position_are_counted():
    assert image("enhanced_mr/IM_0027_fMAP.dcm").warnings == (
        "there are 64 images at 32 positions (2 at each); the first in time at each position is used",
    )
