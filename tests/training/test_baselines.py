import numpy as np
import pytest

from inference.steps import PercentileStretch, Resize
from training.baselines import BASELINES, mean_intensity, nearest_neighbours, pca_residual, score_baselines
from training.data.arrays import image_of_array
from training.data.data_set import Sample

NORMALS = np.random.default_rng(0).random((40, 1, 8, 8), np.float32)


def test_the_mean_intensity_is_the_mean():
    assert mean_intensity(NORMALS)(np.full((1, 1, 8, 8), 0.25))[0] == 0.25


def test_pca_leaves_no_residual_in_what_it_has_seen_and_one_outside():
    directions = np.random.default_rng(1).random((3, 64))
    normals = (np.random.default_rng(2).random((40, 3)) @ directions).reshape(40, 1, 8, 8)
    score = pca_residual(normals)
    stranger = normals[:1].copy()
    stranger[0, 0, 3, 3] += 1
    assert score(normals).max() < 1e-12
    assert score(stranger)[0] > 1e-3


def test_five_nn_is_the_mean_distance_to_the_five_nearest():
    line = np.zeros((9, 1, 1, 1))
    line[:, 0, 0, 0] = range(9)
    assert nearest_neighbours(line)(np.zeros((1, 1, 1, 1)))[0] == (0 + 1 + 2 + 3 + 4) / 5


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_bears_fewer_normals_than_it_would_like(name: str):
    assert np.isfinite(BASELINES[name](NORMALS[:2])(NORMALS[2:5])).all()


def test_a_volume_scores_as_its_highest_slice():
    planes = np.random.default_rng(3).integers(0, 255, (12, 16, 16)).astype(np.uint8)
    samples = [Sample(str(index), str(index), image_of_array(plane)) for index, plane in enumerate(planes)]
    chain = [Resize(height=8, width=8), PercentileStretch()]
    alone = score_baselines(samples[:9], samples[9:], chain)
    pixels = np.concatenate([sample.image.pixels[:, None] for sample in samples[9:]], axis=1)
    volume = Sample("v", "v", image_of_array(planes[0]))
    object.__setattr__(volume.image, "pixels", pixels)
    together = score_baselines(samples[:9], [volume], chain)
    assert {name: scores.max() for name, scores in alone.items()} == pytest.approx(
        {name: scores[0] for name, scores in together.items()}
    )
