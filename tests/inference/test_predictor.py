from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imaging.image import Contrast, Image, Source, SourceGrid
from inference.bundle import load_bundle
from inference.errors import OutOfScopeError
from inference.predictor import Predictor
from inference.steps import NeighbouringSlices
from tests.service.bundle_builder import FAST, make_bundle

# Two millimetres along the row, three down the column, five between slices; the first voxel at (10, 20, 30).
AFFINE = np.array([[2.0, 0, 0, 10], [0, 3.0, 0, 20], [0, 0, 5.0, 30], [0, 0, 0, 1]])


def image_of(pixels: np.ndarray, **fields: object) -> Image:
    shape = (pixels.shape[-1], pixels.shape[-2], 1 if pixels.ndim == 3 else pixels.shape[1])
    grid = SourceGrid.straight(shape, AFFINE)
    return replace(Image(pixels.astype(np.float32), AFFINE, "patient", Source("nifti"), grid), **fields)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return Predictor.load(load_bundle(make_bundle(tmp_path, modalities=("CT",))), max_batch=2)


def test_a_slice_gets_a_score_and_a_map_on_its_own_pixels(predictor: Predictor):
    result = predictor.predict(image_of(noise(1, 50, 70)))
    assert result.anomaly_map.shape == (1, 50, 70)
    assert result.score == result.slice_scores[0] > 0


def test_a_volume_scores_as_its_worst_slice(predictor: Predictor):
    volume = noise(1, 5, 40, 40)
    volume[0, 3] = np.where(noise(40, 40) > 0.5, 1, 0)
    result = predictor.predict(image_of(volume))
    assert result.anomaly_map.shape == (5, 40, 40)
    assert result.score == max(result.slice_scores) == result.slice_scores[3]


def test_a_slice_scores_the_same_alone_and_in_a_volume(predictor: Predictor):
    volume = noise(1, 5, 40, 40)
    together = predictor.predict(image_of(volume)).slice_scores
    alone = [predictor.predict(image_of(volume[:, index])).score for index in range(5)]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_progress_goes_to_one(predictor: Predictor):
    seen: list[float] = []
    predictor.predict(image_of(noise(1, 5, 40, 40)), progress=seen.append)
    assert seen == [0.4, 0.8, 1.0]


def test_another_modality_is_refused_and_said_so(predictor: Predictor):
    with pytest.raises(OutOfScopeError, match=r"out of scope for tiny@1\.0\.0: modality is MR"):
        predictor.predict(image_of(noise(1, 40, 40), modality="MR"))


def test_another_modality_is_scored_with_a_warning_when_asked(predictor: Predictor):
    result = predictor.predict(image_of(noise(1, 40, 40), modality="MR"), scope="warn")
    assert result.warnings == ("out of scope: modality is MR, the model is for CT",)


def test_a_file_that_does_not_say_its_modality_is_scored_with_a_warning(predictor: Predictor):
    result = predictor.predict(image_of(noise(1, 40, 40)))
    assert result.warnings == ("the file does not say its modality; the model is for CT",)


def test_other_channels_are_refused(predictor: Predictor):
    with pytest.raises(OutOfScopeError, match=r"the image has 3 channels, tiny@1\.0\.0 takes 1"):
        predictor.predict(image_of(noise(3, 40, 40)), scope="warn")


@pytest.fixture
def stacked(tmp_path: Path) -> Predictor:
    """Sees each slice with the two before and the one after it."""
    steps = (NeighbouringSlices(before=2, after=1), *FAST)
    return Predictor.load(load_bundle(make_bundle(tmp_path, steps=steps, channels=4)))


def test_neighbouring_slices_are_no_channels_of_the_image(stacked: Predictor):
    assert len(stacked.predict(image_of(noise(1, 6, 40, 40))).slice_scores) == 6
    with pytest.raises(OutOfScopeError, match=r"the image has 4 channels, tiny@1\.0\.0 takes 1"):
        stacked.predict(image_of(noise(4, 6, 40, 40)))


def test_a_slice_shows_in_the_scores_of_those_that_see_it(stacked: Predictor):
    volume = np.zeros((1, 8, 32, 32))
    volume[0, 3, 10:14, 20:24] = 1
    result = stacked.predict(image_of(volume))
    assert [score > 0 for score in result.slice_scores] == [
        False,
        False,
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert [plane.any() for plane in result.anomaly_map] == [score > 0 for score in result.slice_scores]


def test_other_contrasts_are_refused_by_name(tmp_path: Path):
    folder = make_bundle(tmp_path, channels=2, contrasts=("FLAIR", "T1"))
    predictor = Predictor.load(load_bundle(folder))
    picture = image_of(noise(2, 40, 40), contrasts=(Contrast("FLAIR"), Contrast("T1")))
    assert predictor.predict(picture).score > 0
    with pytest.raises(OutOfScopeError, match=r"the contrasts T1, FLAIR, tiny@1\.0\.0 takes FLAIR, T1, "):
        predictor.predict(replace(picture, contrasts=picture.contrasts[::-1]))


@pytest.mark.parametrize(
    ("contrasts", "words"),
    [
        (("FLAIR", "flair"), "are not all different"),
        (("T1 Gd", "T2"), "needs a name of letters and digits"),
        (("A", "B", "C"), "3 contrasts are named, but an image has 2 channels"),
    ],
)
def test_contrasts_that_cannot_be_are_refused(tmp_path: Path, contrasts: tuple[str, ...], words: str):
    with pytest.raises(ValueError, match=words):
        make_bundle(tmp_path, channels=2, contrasts=contrasts)
