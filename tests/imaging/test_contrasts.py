from dataclasses import replace

import nibabel
import numpy as np
import pytest

from imaging.contrasts import inspect_contrasts, join_contrasts, read_contrasts
from imaging.errors import ImageTooLargeError, MismatchedGridsError
from imaging.image import Contrast, Window
from imaging.limits import Limits
from imaging.read import read_image

AFFINE = np.diag([-2.0, 1.5, 3.0, 1.0])


def volume(value: int = 0, shape: tuple[int, ...] = (6, 5, 4), affine: np.ndarray = AFFINE) -> bytes:
    voxels = np.arange(np.prod(shape), dtype=np.int16).reshape(shape) + value
    return nibabel.Nifti1Image(voxels, affine).to_bytes()


def moved(millimetres: float) -> np.ndarray:
    affine = AFFINE.copy()
    affine[0, 3] += millimetres
    return affine


def test_contrasts_become_channels_in_the_order_of_their_names():
    image = read_contrasts({"FLAIR": [volume()], "T1": [volume(1000)]})
    assert image.pixels.shape == (2, 4, 5, 6)
    assert [contrast.name for contrast in image.contrasts] == ["FLAIR", "T1"]
    np.testing.assert_array_equal(image.pixels[1], image.pixels[0] + 1000)


def test_one_picture_is_read_as_ever():
    image, alone = read_contrasts({"": [volume()]}), read_image([volume()])
    np.testing.assert_array_equal(image.pixels, alone.pixels)
    assert image.contrasts == () == alone.contrasts


def test_one_grid_may_be_stored_in_two_ways():
    turned = nibabel.Nifti1Image.from_bytes(volume()).as_reoriented([[0, -1], [1, 1], [2, 1]])
    image = read_contrasts({"A": [volume()], "B": [turned.to_bytes()]})
    np.testing.assert_array_equal(image.pixels[0], image.pixels[1])


def test_another_size_is_refused_with_both_and_the_remedy():
    parts = {"FLAIR": [volume()], "T1": [volume(shape=(6, 5, 3))]}
    for read in (read_contrasts, inspect_contrasts):
        with pytest.raises(
            MismatchedGridsError, match=r"T1 has 6 x 5 x 3 voxels, FLAIR has 6 x 5 x 4; resample"
        ):
            read(parts)


def test_another_place_is_refused_with_the_distance_and_what_is_allowed():
    with pytest.raises(MismatchedGridsError, match=r"T1 lies up to 0\.2 mm off FLAIR, 0\.15 mm are allowed"):
        read_contrasts({"FLAIR": [volume()], "T1": [volume(affine=moved(0.2))]})


def test_a_rounded_header_is_let_pass():
    image = read_contrasts({"FLAIR": [volume()], "T1": [volume(affine=moved(0.1))]})
    np.testing.assert_array_equal(image.affine, read_image([volume()]).affine)


def test_a_turned_grid_is_refused_though_its_origin_agrees():
    turned = AFFINE @ np.array([[1, 0.1, 0, 0], [-0.1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    with pytest.raises(MismatchedGridsError, match="T1 lies up to"):
        read_contrasts({"FLAIR": [volume()], "T1": [volume(affine=turned)]})


def test_each_contrast_keeps_its_window():
    image = read_image([volume()])
    joined = join_contrasts({"A": replace(image, voi=Window(40, 80)), "B": image})
    assert joined.contrasts == (Contrast("A", Window(40, 80)), Contrast("B"))
    assert joined.voi == Window(40, 80)


def test_a_warning_says_whose_it_is():
    silent = nibabel.Nifti1Image(np.zeros((6, 5, 4), np.int16), None).to_bytes()
    assert [text[:2] for text in read_contrasts({"A": [silent], "B": [silent]}).warnings] == ["A:", "B:"]


def test_contrasts_share_what_one_image_may_need():
    limits = Limits(max_decoded_bytes=6 * 5 * 4 * 4 + 400)
    read_contrasts({"": [volume()]}, limits=limits)
    with pytest.raises(ImageTooLargeError):
        read_contrasts({"A": [volume()], "B": [volume()]}, limits=limits)
