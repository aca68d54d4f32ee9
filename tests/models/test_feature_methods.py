import pytest
import torch
from sklearn.covariance import ledoit_wolf as reference_ledoit_wolf

from models.blocks import features
from models.blocks.coreset import greedy_coreset
from models.blocks.density import Gaussian, ledoit_wolf
from models.blocks.filters import gaussian_blur
from models.method import AnomalyMethod, Descent, InputShape, Observation
from models.methods.cutpaste import CutPaste
from models.methods.padim import Padim
from models.methods.patchcore import PatchCore

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(20, 1, 16, 16, generator=torch.Generator().manual_seed(0))
OTHERS = torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def observed(method: AnomalyMethod) -> AnomalyMethod:
    """The method with an untrained network after its second stage."""
    method.eval().requires_grad_(False)
    first, second = method.stages()
    assert isinstance(first, Descent) and isinstance(second, Observation)
    second.observe(IMAGES[:12])
    second.observe(IMAGES[12:])
    second.finalize()
    return method


def cutpaste() -> CutPaste:
    torch.manual_seed(0)
    method = observed(CutPaste(SHAPE, CutPaste.Options(width=2)))
    assert isinstance(method, CutPaste)
    return method


def padim(**options: object) -> Padim:
    torch.manual_seed(0)
    made = Padim.Options(width=2, **options)  # type: ignore[arg-type]
    method = observed(Padim(SHAPE, made))
    assert isinstance(method, Padim)
    return method


def patchcore(**options: object) -> PatchCore:
    torch.manual_seed(0)
    made = PatchCore.Options(width=2, **options)  # type: ignore[arg-type]
    method = observed(PatchCore(SHAPE, made))
    assert isinstance(method, PatchCore)
    return method


def test_the_covariance_is_shrunk_as_scikit_learn_shrinks_it():
    vectors = torch.randn(15, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    centred = vectors - vectors.mean(dim=0)
    expected, shrinkage = reference_ledoit_wolf(vectors.numpy())
    torch.testing.assert_close(ledoit_wolf(centred)[0], torch.from_numpy(expected))
    assert float(ledoit_wolf(centred)[1]) == pytest.approx(shrinkage)


def test_vectors_that_are_all_the_same_leave_a_finite_precision():
    density = Gaussian(3)
    density.fit(torch.ones(4, 3))
    assert torch.isfinite(density.precision).all() and torch.equal(
        density.whiten(torch.ones(1, 3))[0], torch.zeros(3)
    )


def test_one_vector_has_no_spread():
    with pytest.raises(ValueError, match="at least 2 training images; there is 1"):
        Gaussian(3).fit(torch.ones(1, 3))


def test_cutpaste_scores_by_the_squared_mahalanobis_distance():
    method = cutpaste()
    features = method.network(IMAGES)[-1].mean(dim=(2, 3)).double()
    covariance, _shrinkage = ledoit_wolf(features - features.mean(dim=0))
    apart = method.network(OTHERS)[-1].mean(dim=(2, 3)).double() - features.mean(dim=0)
    expected = (apart @ torch.linalg.inv(covariance) * apart).sum(dim=1)
    torch.testing.assert_close(method(OTHERS).score.double(), expected, rtol=1e-3, atol=1e-3)


def test_cutpastes_map_is_the_scores_gradient_times_the_image(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "CORNER", 1e-12)
    method = cutpaste()
    images = OTHERS.clone().requires_grad_()
    [gradient] = torch.autograd.grad(method(images).score.sum(), images)
    expected = gaussian_blur((gradient * OTHERS).abs(), 16 * 4 / 224)
    found = method(OTHERS).anomaly_map
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.max()))


def test_padims_gaussian_at_a_place_is_that_of_the_features_there():
    method = padim(dims=5)
    features = method.features(IMAGES)[:, method.kept, 1, 2].double()
    inverse = torch.linalg.inv(torch.cov(features.T) + 0.01 * torch.eye(5))
    whitening = method.whitening[1 * 4 + 2].double()
    torch.testing.assert_close(whitening @ whitening.T, inverse, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(method.mean[6, 0], features.mean(dim=0).float())


def test_padims_map_is_of_mahalanobis_distances_and_its_score_their_maximum():
    method = padim(dims=5)
    method.mean.zero_()
    method.whitening.copy_(2 * torch.eye(5))
    method.features.forward = lambda images: torch.full((len(images), 14, 4, 4), 3.0)  # type: ignore[method-assign]
    prediction = method(OTHERS)
    torch.testing.assert_close(prediction.anomaly_map, torch.full((5, 1, 16, 16), 2 * 3 * 5**0.5))
    torch.testing.assert_close(prediction.score, torch.full((5,), 2 * 3 * 5**0.5))


def test_padim_keeps_the_same_features_for_the_same_seed():
    assert torch.equal(padim(dims=5).kept, padim(dims=5).kept)
    assert not torch.equal(padim(dims=5).kept, padim(dims=5, seed=1).kept)


def test_the_coreset_takes_the_farthest_from_all_taken():
    line = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0]])
    taken = greedy_coreset(line, 3, projection=8, rng=torch.Generator().manual_seed(0))
    ends = {0, 4} if int(taken[0]) not in (0, 4) else {4 - int(taken[0])}
    assert ends & set(taken.tolist()[1:])
    assert len(set(taken.tolist())) == 3


def test_the_coreset_of_equal_vectors_takes_each_once():
    taken = greedy_coreset(torch.ones(6, 3), 6, projection=2, rng=torch.Generator().manual_seed(0))
    assert sorted(taken.tolist()) == list(range(6))


def remember(method: PatchCore, *rows: float) -> None:
    """Let the memory hold vectors of these numbers, repeated."""
    method.memory = torch.tensor(rows)[:, None].repeat(1, 12)
    apart = torch.cdist(method.memory, method.memory)
    method.near = torch.topk(apart, method.options.neighbours, largest=False).indices


def test_patchcores_memory_is_a_tenth_of_the_patches():
    assert patchcore(coreset=0.5, neighbours=3).memory.shape == (0.5 * 20 * 16, 12)


def test_of_too_many_patches_the_candidates_are_drawn_from_first_and_last_images_alike():
    method = patchcore(coreset=1.0, candidates=160, neighbours=3)
    patches = method.features(IMAGES).flatten(2).transpose(1, 2)  # (20, 16, features)
    is_kept = (torch.cdist(patches.flatten(0, 1), method.memory) < 1e-3).any(dim=1).view(20, 16)
    assert method.memory.shape == (160, 12)
    assert 0.3 < is_kept[:10].float().mean() < 0.7 and 0.3 < is_kept[10:].float().mean() < 0.7


def test_patchcores_score_is_the_largest_distance_reweighted_by_the_neighbours_of_the_nearest():
    method = patchcore(coreset=0.5, neighbours=2)
    remember(method, 0.0, 0.1, 9.0)
    patches = torch.zeros(1, 12, 4, 4)
    patches[:, :, 2, 3] = -0.2
    method.features.forward = lambda _images: patches  # type: ignore[method-assign]
    nearest, second = 0.2 * 12**0.5, 0.3 * 12**0.5
    share = torch.tensor(nearest).exp() / (torch.tensor(nearest).exp() + torch.tensor(second).exp())
    torch.testing.assert_close(method(OTHERS[:1]).score, ((1 - share) * nearest)[None])


def test_patchcores_map_is_highest_at_the_strange_patch():
    method = patchcore(coreset=0.5, neighbours=2)
    remember(method, 0.0, 0.1, 9.0)
    patches = torch.zeros(1, 12, 4, 4)
    patches[:, :, 3, 3] = 5.0
    method.features.forward = lambda _images: patches  # type: ignore[method-assign]
    anomaly_map = method(OTHERS[:1]).anomaly_map[0, 0]
    assert anomaly_map[15, 15] == anomaly_map.max() and anomaly_map[0, 0] == 0


def test_a_normal_that_is_remembered_scores_nothing():
    method = patchcore(coreset=1.0, neighbours=2)
    assert method(IMAGES).score.abs().max() < 1e-4


def test_a_memory_smaller_than_a_neighbourhood_is_refused():
    with pytest.raises(
        ValueError, match=r"needs 9 neighbours in its memory; a coreset of 0\.01 of 320 patches holds 3"
    ):
        patchcore(coreset=0.01)
