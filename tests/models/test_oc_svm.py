import numpy as np
import pytest
import torch
from sklearn.svm import OneClassSVM

from models.blocks.one_class_dual import solve_dual
from models.method import InputShape
from models.methods.oc_svm import OneClassSvm

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(60, 1, 16, 16, generator=torch.Generator().manual_seed(0))
OTHERS = torch.rand(9, 1, 16, 16, generator=torch.Generator().manual_seed(1)) ** 2


def trained(images: torch.Tensor = IMAGES, **options: object) -> OneClassSvm:
    method = OneClassSvm(SHAPE, OneClassSvm.Options(**options))  # type: ignore[arg-type]
    method.observe(images)
    method.finalize()
    return method.eval()


@pytest.mark.parametrize("nu", [0.05, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("gamma", [0.0, 0.01])
def test_the_score_is_scikit_learns_decision_function_turned_round(nu: float, gamma: float):
    theirs = OneClassSVM(nu=nu, gamma=gamma or "scale", tol=1e-6).fit(IMAGES.flatten(1).double().numpy())
    expected = -theirs.decision_function(OTHERS.flatten(1).double().numpy())
    found = trained(nu=nu, gamma=gamma)(OTHERS).score.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_two_equal_normals_share_the_surface():
    multipliers, rho = solve_dual(torch.ones(2, 2), 0.5)
    assert float(multipliers.sum()) == 1 and float(rho) == 1


def test_at_most_a_share_nu_of_the_normals_is_outside():
    flat = IMAGES[:50, :, :1, :1].expand(-1, 1, 16, 16)
    outside = (trained(flat, nu=0.2)(flat).score > 1e-3).float().mean()
    assert 0.1 < outside <= 0.2


def test_the_multipliers_sum_to_nu_n_and_are_at_most_one():
    method = trained(nu=0.1)
    assert float(method.multipliers.sum()) == pytest.approx(6)
    assert method.multipliers.min() > 0 and method.multipliers.max() <= 1


def test_the_map_is_the_scores_gradient_times_the_residual():
    method = trained(nu=0.3)
    images = OTHERS.clone().requires_grad_()
    prediction = method(images)
    [gradient] = torch.autograd.grad(prediction.score.sum(), images)
    assert prediction.reconstruction is not None
    expected = gradient * (images - prediction.reconstruction)
    torch.testing.assert_close(prediction.anomaly_map, expected, rtol=1e-3, atol=1e-6)


def test_far_from_all_normals_the_score_is_rho_and_the_reconstruction_stands():
    method = trained(gamma=50.0)
    prediction = method(torch.zeros(1, 1, 16, 16))
    torch.testing.assert_close(prediction.score, method.rho[None])
    assert prediction.reconstruction is not None and torch.isfinite(prediction.reconstruction).all()


def test_normals_that_are_all_the_same_are_learned():
    method = trained(torch.full((10, 1, 16, 16), 0.5))
    assert torch.isfinite(method(OTHERS).score).all()


def test_of_too_many_normals_as_many_are_learned_from():
    assert float(trained(nu=0.5, most=20).multipliers.sum()) == pytest.approx(10)


@pytest.mark.parametrize("nu", [0.0, 1.1])
def test_nu_is_a_share(nu: float):
    with pytest.raises(ValueError, match="nu is a share above 0 and at most 1"):
        trained(nu=nu)


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiples of size 16; they are 24 x 16"):
        OneClassSvm(InputShape(1, 24, 16), OneClassSvm.Options())
