import math

import pytest
import torch

from models.method import AnomalyMethod, InputShape, Observation
from models.methods.ensemble import Member
from models.registry import METHODS

SHAPE = InputShape(1, 32, 32)
Ensemble = METHODS["ensemble"]


def flat(*levels: float) -> torch.Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 1, 32, 32)


def trained(images: torch.Tensor, *members: Member, **options: object) -> AnomalyMethod:
    method = Ensemble(SHAPE, Ensemble.Options(members=members, **options))
    for stage in method.stages():
        assert isinstance(stage, Observation)
        with torch.no_grad():
            stage.observe(images)
        stage.finalize()
    return method.eval()


def test_a_score_counts_robust_spreads_from_the_normals_median():
    # Mean intensities 0.2, 0.4 and 0.6: the median is 0.4, the median distance from it 0.2.
    method = trained(flat(0.2, 0.4, 0.6), Member("mean_intensity"))
    expected = math.asinh((1.0 - 0.4) / (1.4826 * 0.2))
    assert float(method(flat(1.0)).score) == pytest.approx(expected, rel=1e-5)


def test_maps_are_shares_of_the_normals_mean_fused_by_a_geometric_mean():
    method = trained(flat(0.2, 0.4, 0.6), Member("mean_intensity"), Member("mean_intensity"))
    expected = torch.full((1, 1, 32, 32), 0.8 / 0.4 + 0.001)
    torch.testing.assert_close(method(flat(0.8)).anomaly_map, expected)


def test_a_weight_counts_a_member_as_often():
    members = Member("mean_intensity", weight=3.0), Member("knn", {"neighbours": 2})
    twice = [Member("mean_intensity")] * 3 + [Member("knn", {"neighbours": 2})]
    images = torch.rand(8, 1, 32, 32)
    torch.testing.assert_close(trained(images, *members)(images).score, trained(images, *twice)(images).score)


def test_the_reconstruction_is_the_first_that_there_is():
    method = trained(torch.rand(9, 1, 32, 32), Member("mean_intensity"), Member("pca", {"components": 2}))
    reconstruction = method(flat(0.5)).reconstruction
    assert reconstruction is not None
    torch.testing.assert_close(reconstruction, method.members[1](flat(0.5)).reconstruction)


def test_stages_are_named_after_their_member():
    method = Ensemble(SHAPE, Ensemble.Options(members=(Member("knn"), Member("knn"))))
    assert [stage.name for stage in method.stages()] == ["1-knn-remember", "2-knn-remember", "balance"]


def test_an_unknown_member_is_refused_with_those_known():
    with pytest.raises(ValueError, match="unknown member 'nothing' of an ensemble; choose from ae, aeu"):
        Ensemble(SHAPE, Ensemble.Options(members=(Member("nothing"),)))


def test_an_unknown_option_of_a_member_is_refused_with_those_known():
    with pytest.raises(ValueError, match="knn has no option k; its options are neighbours, size"):
        Ensemble(SHAPE, Ensemble.Options(members=(Member("knn", {"k": 3}),)))
