"""What stored DICOM values become."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from imaging.errors import UnreadableImageError
from imaging.image import LookupTable, Window
from imaging.read import read_image
from imaging.voi import apply_voi
from tests.imaging.dicom_builder import dicom_bytes, dicom_dataset, item, write

STORED = np.array([[0, 1, 2], [3, 4, 5]], np.int16)


def test_slope_and_intercept_turn_stored_values_into_hounsfield_units():
    image = read_image([dicom_bytes(STORED, RescaleSlope=2, RescaleIntercept=-1024)])
    np.testing.assert_array_equal(image.pixels, [[[-1024, -1022, -1020], [-1018, -1016, -1014]]])
    assert image.pixels.dtype == np.float32


def test_a_modality_lut_replaces_the_rescale_and_holds_its_ends():
    table = item(LUTDescriptor=[3, 1, 16], LUTData=[10, 20, 30], ModalityLUTType="US")
    dataset = dicom_dataset(STORED, ModalityLUTSequence=[table])
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    image = read_image([write(dataset)])
    np.testing.assert_array_equal(image.pixels, [[[10, 10, 20], [30, 30, 30]]])


def test_a_slope_of_zero_is_refused_by_name():
    with pytest.raises(UnreadableImageError, match=r"\(0028,1053\) Rescale Slope is 0"):
        read_image([dicom_bytes(STORED, RescaleSlope=0, RescaleIntercept=0)])


def test_padding_takes_the_lowest_real_value():
    stored = np.array([[-2000, 5], [7, -2000]], np.int16)
    image = read_image([dicom_bytes(stored, PixelPaddingValue=-2000)])
    np.testing.assert_array_equal(image.pixels, [[[5, 5], [7, 5]]])


def test_a_padding_range_covers_both_its_ends():
    dataset = dicom_dataset(np.array([[0, 1, 2, 3]], np.uint16), PixelPaddingValue=0)
    dataset.PixelPaddingRangeLimit = 1
    np.testing.assert_array_equal(read_image([write(dataset)]).pixels, [[[2, 2, 2, 3]]])


def test_an_image_of_padding_alone_is_refused():
    with pytest.raises(UnreadableImageError, match="no pixel of the image has a value"):
        read_image([dicom_bytes(np.zeros((2, 2), np.uint8), PixelPaddingValue=0)])


def test_monochrome1_is_turned_over_within_its_declared_range():
    stored = np.array([[0, 1, 1023]], np.uint16)
    image = read_image(
        [dicom_bytes(stored, PhotometricInterpretation="MONOCHROME1", BitsStored=10, HighBit=9)]
    )
    np.testing.assert_array_equal(image.pixels, [[[1023, 1022, 0]]])


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_monochrome1_displays_as_the_inverse_of_the_same_file_as_monochrome2(function):
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    voi = {"WindowCenter": 100, "WindowWidth": 60, "VOILUTFunction": function}
    dark, bright = (
        read_image([dicom_bytes(stored, PhotometricInterpretation=kind, **voi)])
        for kind in ("MONOCHROME1", "MONOCHROME2")
    )
    shown = apply_voi(dark.pixels, dark.voi)
    np.testing.assert_allclose(shown, 1 - apply_voi(bright.pixels, bright.voi), atol=1e-6)


def test_a_voi_lut_is_mirrored_with_monochrome1():
    stored = np.array([[0, 1, 2, 3]], np.uint8)
    table = item(LUTDescriptor=[4, 0, 8], LUTData=[0, 51, 102, 255])
    dataset = dicom_dataset(stored, PhotometricInterpretation="MONOCHROME1", VOILUTSequence=[table])
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    image = read_image([write(dataset)])
    assert isinstance(image.voi, LookupTable)
    np.testing.assert_allclose(apply_voi(image.pixels, image.voi), [[[1, 0.8, 0.6, 0]]], atol=1e-6)


def test_the_first_window_is_read_with_its_function():
    image = read_image([dicom_bytes(STORED, WindowCenter=[40, 600], WindowWidth=[80, 1500])])
    assert image.voi == Window(40, 80, "LINEAR")


def test_a_window_of_no_width_is_left_out_with_a_warning():
    image = read_image([dicom_bytes(STORED, WindowCenter=40, WindowWidth=0)])
    assert image.voi is None
    assert image.warnings == (
        "(0028,1051) Window Width of 0 is not allowed for LINEAR; the window is left out",
    )


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_becomes_rec_601_luma_in_either_planar_configuration(planar):
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    sent = rgb if planar == 0 else np.ascontiguousarray(rgb.transpose(2, 0, 1))
    image = read_image([dicom_bytes(rgb, PlanarConfiguration=planar, PixelData=sent.tobytes() + b"\0")])
    np.testing.assert_allclose(image.pixels, [[[76.245, 149.685, 29.07]]], rtol=1e-5)


def test_a_palette_is_looked_up_before_it_becomes_grey():
    palette: dict[str, object] = {}
    for channel in ("Red", "Green", "Blue"):
        palette[f"{channel}PaletteColorLookupTableDescriptor"] = [2, 0, 8]
        palette[f"{channel}PaletteColorLookupTableData"] = bytes([7, 90])
    dataset = dicom_dataset(
        np.array([[0, 1]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **palette
    )
    np.testing.assert_allclose(read_image([write(dataset)]).pixels, [[[7, 90]]], rtol=1e-5)


def test_float_pixels_keep_their_values_and_lose_what_is_not_finite():
    pixels = np.array([[0.25, np.nan], [0.75, 0.5]], np.float32)
    dataset = dicom_dataset(
        pixels.view(np.uint32), PixelData=None, FloatPixelData=pixels.tobytes(), BitsStored=None
    )
    image = read_image([write(dataset)])
    np.testing.assert_array_equal(image.pixels, [[[0.25, 0.25], [0.75, 0.5]]])
    assert image.warnings == ("1 pixels were not finite; they take the lowest value of the image",)


def test_an_error_never_names_the_patient():
    dataset: Dataset = dicom_dataset(STORED)
    dataset.PixelData = b"\0\0"
    with pytest.raises(UnreadableImageError, match=r"^the pixel data are truncated: 2 of 12 bytes"):
        read_image([write(dataset)])
