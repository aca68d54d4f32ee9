"""NIfTI: there and back, on any grid."""

import gzip
import io

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from imaging.errors import UnreadableImageError, UnsupportedImageError
from imaging.nifti import write_image, write_nifti
from imaging.read import inspect_image, read_image
from tests.imaging.dicom_builder import slice_bytes

RAMP = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
ANGLES = st.tuples(*[st.floats(-180, 180)] * 3)
SPACINGS = st.tuples(*[st.floats(0.2, 5)] * 3)


def nifti(values: np.ndarray, affine: np.ndarray | None = None) -> bytes:
    return nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine).to_bytes()


def loaded(content: bytes) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


def test_ras_is_turned_to_lps():
    image = read_image([nifti(RAMP)])
    assert image.pixels.shape == (1, 4, 3, 2)
    assert image.pixels[0, 0, 0, 0] == RAMP[1, 2, 0]
    np.testing.assert_array_equal(
        image.affine, np.diag([1, 1, 1, 1]) + np.array([[0, 0, 0, -1], [0, 0, 0, -2], [0] * 4, [0] * 4])
    )


@settings(max_examples=60, deadline=None)
@given(ANGLES, SPACINGS, st.permutations(range(3)))
def test_every_voxel_keeps_its_place_and_goes_back_there(angles, spacing, order):
    affine = np.eye(4)
    affine[:3, :3] = (Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing)[:, order]
    image = read_image([nifti(RAMP, affine)])
    np.testing.assert_array_equal(image.grid.lay_back(image.pixels[0]), RAMP)
    d, h, w = np.unravel_index(np.argmax(image.pixels[0]), image.pixels.shape[1:])
    expected = np.diag([-1, -1, 1, 1]) @ image.grid.affine @ [1, 2, 3, 1]
    np.testing.assert_allclose(image.affine @ [w, h, d, 1], expected, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(ANGLES, SPACINGS)
def test_a_written_map_lies_on_the_sources_own_grid(angles, spacing):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    image = read_image([nifti(RAMP, affine)])
    written = loaded(write_nifti(image.pixels[0], image.grid))
    np.testing.assert_array_equal(written.get_fdata(), RAMP)
    np.testing.assert_allclose(written.affine, affine, atol=1e-6)
    np.testing.assert_allclose(written.get_qform(), affine, atol=2e-2)


def test_the_same_map_gives_the_same_bytes():
    image = read_image([nifti(RAMP)])
    assert write_nifti(image.pixels[0], image.grid) == write_nifti(image.pixels[0], image.grid)


def test_a_sheared_grid_has_an_sform_only():
    image = read_image([slice_bytes(z, ImagePositionPatient=[0, z, z]) for z in (0, 1)])
    header = loaded(write_nifti(image.pixels[0], image.grid)).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)


def test_a_map_of_a_dicom_slice_lands_where_the_slice_was():
    image = read_image([slice_bytes(5)])
    written = loaded(write_nifti(image.pixels[0], image.grid))
    np.testing.assert_allclose(written.affine @ [0, 0, 0, 1], [-10, -20, 5, 1])
    assert written.shape == (3, 2, 1)


def test_a_map_with_a_side_that_nifti_1_cannot_hold_is_written_and_read_back():
    image = read_image([nibabel.Nifti2Image(np.ones((40_000, 2, 1), np.uint8), np.eye(4)).to_bytes()])
    anomaly_map = np.arange(80_000, dtype=np.float32).reshape(2, 40_000)
    written = gzip.decompress(write_nifti(anomaly_map, image.grid))
    stored = np.asarray(nibabel.Nifti2Image.from_bytes(written).dataobj)
    np.testing.assert_array_equal(np.sort(stored, axis=None), np.arange(80_000))
    assert stored.shape == (40_000, 2, 1)


def test_a_map_of_another_size_is_a_callers_mistake():
    with pytest.raises(ValueError, match=r"the map has \(1, 1, 1\) voxels"):
        write_nifti(np.zeros((1, 1)), read_image([nifti(RAMP)]).grid)


def test_slope_and_intercept_are_honoured():
    source = nibabel.Nifti1Image(RAMP.astype(np.int16), np.eye(4))
    source.header.set_slope_inter(2, -5)
    content = bytearray(source.to_bytes())
    content[112:120] = np.array([2, -5], np.float32).tobytes()
    assert read_image([bytes(content)]).pixels.max() == 23 * 2 - 5


def test_of_four_dimensions_the_first_volume_is_used():
    image = read_image([nifti(np.stack([RAMP, RAMP + 100], axis=-1))])
    assert image.pixels.max() == 23
    assert image.warnings == ("the file holds 2 volumes; the first is used",)


def test_a_last_axis_of_one_is_no_second_volume():
    assert read_image([nifti(RAMP[..., None])]).warnings == ()


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_a_volume_one_voxel_thick_is_a_whole_plane(thin):
    plane = np.expand_dims(np.arange(6, dtype=np.float32).reshape(2, 3), thin)
    image = read_image([nifti(plane)])
    assert sorted(image.pixels.shape) == [1, 2, 3]
    np.testing.assert_array_equal(image.grid.lay_back(image.pixels), plane)


def test_nan_takes_the_lowest_value_with_a_warning():
    image = read_image([nifti(np.array([[[np.nan, 2, 5]]], np.float32))])
    assert sorted(image.pixels.ravel()) == [2, 2, 5]
    assert image.warnings == ("1 pixels were not finite; they take the lowest value of the image",)


def test_colour_becomes_luma():
    colour = np.zeros((2, 1, 1), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    colour[0] = (255, 0, 0)
    assert read_image([nifti(colour)]).pixels.max() == pytest.approx(76.245)


def test_complex_voxels_are_refused():
    with pytest.raises(UnsupportedImageError, match="complex64 are no picture"):
        inspect_image([nifti(RAMP.astype(np.complex64))])


def test_an_affine_that_is_flat_is_refused():
    content = bytearray(nifti(RAMP))
    content[280:296] = bytes(16)
    with pytest.raises(UnreadableImageError, match="the NIfTI header is damaged"):
        inspect_image([bytes(content)])


def test_an_unstated_orientation_is_warned_of():
    source = nibabel.Nifti1Image(RAMP, None)
    out = io.BytesIO(source.to_bytes())
    assert "states no orientation" in read_image([out.getvalue()]).warnings[0]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([-32768.0, 0.0, 32767.0], np.int16),
        ([-32769.0, 0.0, 1.0], np.float32),
        ([0.0, 1.0, 32768.0], np.float32),
        ([0.0, 0.5, 1.0], np.float32),
    ],
)
def test_an_image_is_written_in_whole_numbers_only_where_nothing_is_lost(values, dtype):
    volume = np.array(values, np.float32).reshape(1, 1, 3)
    file = io.BytesIO()
    write_image(read_image([nifti(volume)]), file)
    written = loaded(file.getvalue())
    assert written.get_data_dtype() == dtype
    np.testing.assert_array_equal(written.get_fdata(), volume)
