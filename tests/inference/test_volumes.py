"""Whole volumes through a bundle: scores of slices, findings in millimetres, and what is kept of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference import steps
from inference.bundle import load_bundle
from inference.errors import OutOfScopeError
from inference.predictor import Predictor
from inference.scoring import ImageResult
from inference.volume_score import TopMean
from tests.inference.volumes import centred, image_of, places_of, scan
from tests.service.bundle_builder import FAST, make_bundle

SHAPE = (30, 48, 50)
# Slices run from right to left, rows from front to back, columns towards the feet; 3 x 2 x 2 mm.
SAGITTAL = centred(np.array([[0, 0, 3.0], [2.0, 0, 0], [0, -2.0, 0]]), SHAPE)
BALL_MM = (9.0, -8.0, 10.0)


def predicted(tmp_path: Path, affine: np.ndarray, *chain: steps.Step, **fields: object) -> ImageResult:
    bundle = load_bundle(make_bundle(tmp_path, steps=(*chain, *FAST)))
    bundle = replace(bundle, manifest=bundle.manifest.model_copy(update=fields))
    return Predictor.load(bundle).predict(scan(affine, SHAPE, ball_mm=BALL_MM))


AXIAL = (steps.Reorient(plane="axial"), steps.Resample(in_plane_mm=2.0, between_mm=2.0))


def test_a_finding_in_axial_slices_of_a_sagittal_scan_lies_where_it_is(tmp_path: Path):
    result = predicted(tmp_path, SAGITTAL, *AXIAL)
    found = max(result.findings, key=lambda finding: finding.size_voxels)
    np.testing.assert_allclose(found.centroid_mm, BALL_MM, atol=2.0)
    assert found.size_mm == pytest.approx(found.size_voxels * 12.0)
    assert result.anomaly_map.shape == SHAPE


def test_a_volume_that_is_resampled_says_from_what_to_what(tmp_path: Path):
    result = predicted(tmp_path, SAGITTAL, *AXIAL)
    assert result.warnings == (
        "resampled: the model looks at voxels of 2 x 2 x 2 mm, those of the image are 2 x 2 x 3 mm",
    )


def test_a_volume_that_is_only_turned_is_not_resampled(tmp_path: Path):
    assert predicted(tmp_path, SAGITTAL, steps.Reorient(plane="axial")).warnings == ()


def test_slices_cut_in_another_direction_give_the_scans_own_no_scores(tmp_path: Path):
    result = predicted(tmp_path, SAGITTAL, *AXIAL)
    assert result.scores_by_slice == {}
    assert len(result.slice_scores) == 48
    assert abs(places_of(SAGITTAL, SHAPE)[result.worst_slice, 0, 0, 0] - BALL_MM[0]) < 12  # on the ball


def test_each_slice_of_the_scan_has_the_score_of_the_one_nearest_to_it(tmp_path: Path):
    coarse = (steps.Reorient(plane="sagittal"), steps.Resample(in_plane_mm=2.0, between_mm=6.0))
    result = predicted(tmp_path, SAGITTAL, *coarse)
    assert len(result.slice_scores) == 15
    assert list(result.scores_by_slice) == list(range(30))
    assert [result.scores_by_slice[index] for index in (0, 10, 29)] == [
        result.slice_scores[place] for place in (0, 5, 14)
    ]


def test_the_highest_of_several_scored_slices_counts_for_one_of_the_scan(tmp_path: Path):
    fine = (steps.Reorient(plane="sagittal"), steps.Resample(in_plane_mm=2.0, between_mm=1.0))
    result = predicted(tmp_path, SAGITTAL, *fine)
    assert len(result.slice_scores) == 90
    assert max(result.scores_by_slice.values()) == max(result.slice_scores)


def test_slices_beside_the_slab_have_no_score_and_no_finding(tmp_path: Path):
    result = predicted(tmp_path, SAGITTAL, steps.Slab(start=0.8))
    assert list(result.scores_by_slice) == list(range(24, 30))
    assert result.findings == ()  # the ball lies elsewhere


def test_a_ball_is_one_finding_though_every_other_slice_was_left_out(tmp_path: Path):
    whole = predicted(tmp_path / "all", SAGITTAL)
    every_other = predicted(tmp_path / "half", SAGITTAL, steps.Slab(stride=2))
    assert len(every_other.slice_scores) == 15
    assert len(every_other.findings) == len(whole.findings)
    np.testing.assert_allclose(every_other.findings[0].centroid_mm, whole.findings[0].centroid_mm, atol=4)


def test_the_manifests_rule_makes_the_volumes_score(tmp_path: Path):
    result = predicted(tmp_path, SAGITTAL, volume_score=TopMean(slices=3))
    assert result.score == pytest.approx(np.mean(sorted(result.slice_scores)[-3:]))


def test_a_picture_without_millimetres_is_refused_even_where_scope_only_warns(tmp_path: Path):
    bundle = load_bundle(make_bundle(tmp_path, steps=(*AXIAL, *FAST)))
    picture = replace(image_of(np.ones(SHAPE), SAGITTAL), geometry="none")
    with pytest.raises(OutOfScopeError, match="how large its pixels are"):
        Predictor.load(bundle).predict(picture, scope="warn")
