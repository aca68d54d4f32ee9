import numpy as np
import pytest

from inference.manifest import Range, Scope
from inference.scope import departures_of_header, departures_of_pixels, similarity, thumbnail

RAMP = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))[None]  # (1, 64, 64)
CHEST = Scope(modalities=("CR", "DX"), body_parts=("CHEST",), spacing_mm=Range(low=0.1, high=0.4))


def with_thumbnail(min_similarity: float) -> Scope:
    rows = tuple(tuple(float(value) for value in row) for row in thumbnail(RAMP))
    return Scope(thumbnail=rows, min_similarity=min_similarity)


def test_an_image_is_like_itself_however_bright_it_is():
    assert similarity(0.25 * RAMP + 0.5, thumbnail(RAMP)) == pytest.approx(1.0, abs=1e-5)


def test_a_negative_is_the_opposite():
    assert similarity(1 - RAMP, thumbnail(RAMP)) == pytest.approx(-1.0, abs=1e-5)


def test_a_flat_image_is_like_nothing():
    assert similarity(np.zeros((1, 64, 64), np.float32), thumbnail(RAMP)) == 0.0


def test_the_thumbnail_of_several_channels_is_that_of_their_mean():
    pair = np.concatenate([RAMP, 1 - RAMP])
    np.testing.assert_allclose(thumbnail(pair), np.full((16, 16), 0.5), atol=1e-6)


def test_what_the_file_does_not_say_is_no_departure():
    assert departures_of_header(CHEST, modality=None, body_part=None) == []


def test_a_fitting_header_is_no_departure_in_any_case_of_letters():
    spacing = (0.2, 0.2, 1.0)
    assert departures_of_header(CHEST, modality="dx", body_part="Chest", spacing=spacing) == []


def test_every_departure_of_the_header_is_said():
    found = departures_of_header(CHEST, modality="MR", body_part="HEAD", spacing=(0.2, 0.9, 1.0))
    assert found == [
        "modality is MR, the model is for CR, DX",
        "body part is HEAD, the model is for CHEST",
        "pixel spacing is 0.2 x 0.9 mm, the model is for 0.1 to 0.4 mm",
    ]


def test_an_empty_scope_holds_every_image():
    assert departures_of_header(Scope(), modality="MR", body_part="HEAD", spacing=(9.0, 9.0, 9.0)) == []
    assert departures_of_pixels(Scope(), [1 - RAMP]) == []


def test_a_picture_unlike_the_training_images_is_named_with_its_similarity():
    (sentence,) = departures_of_pixels(with_thumbnail(0.4), [1 - RAMP])
    assert "similarity -1.00, at least 0.40 expected" in sentence


def test_a_volume_is_judged_by_its_middle_slice_and_not_by_its_worst():
    assert departures_of_pixels(with_thumbnail(0.4), [RAMP, RAMP, 1 - RAMP]) == []
    assert len(departures_of_pixels(with_thumbnail(0.4), [RAMP, 1 - RAMP, 1 - RAMP])) == 1
