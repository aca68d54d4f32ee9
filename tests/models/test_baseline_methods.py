import pytest
import torch

from models.method import InputShape
from models.methods.knn import Knn
from models.methods.mean_intensity import MeanIntensity
from models.methods.pca import Pca

SHAPE = InputShape(1, 16, 16)


def flat(*levels: float) -> torch.Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 1, 16, 16)


def test_the_mean_intensity_is_the_mean_of_the_image():
    method = MeanIntensity(SHAPE, MeanIntensity.Options())
    torch.testing.assert_close(method(flat(0.2, 0.7)).score, torch.tensor([0.2, 0.7]))


def test_what_lies_in_the_normals_own_plane_has_no_pca_residual():
    rng = torch.Generator().manual_seed(0)
    basis = torch.randn(3, 256, generator=rng)
    normals = (torch.randn(40, 3, generator=rng) @ basis).view(-1, 1, 16, 16)
    method = Pca(SHAPE, Pca.Options(components=3))
    method.observe(normals)
    method.finalize()
    inside = (torch.randn(5, 3, generator=rng) @ basis).view(-1, 1, 16, 16)
    outside = torch.randn(5, 1, 16, 16, generator=rng)
    assert method(inside).score.max() < 1e-6
    assert method(outside).score.min() > 0.5


def test_pca_needs_more_images_than_components():
    method = Pca(SHAPE, Pca.Options(components=3))
    method.observe(flat(0.1, 0.2, 0.3))
    with pytest.raises(ValueError, match="more training images than its 3 components; it saw 3"):
        method.finalize()


def test_knn_scores_the_mean_distance_to_the_nearest_normals():
    method = Knn(SHAPE, Knn.Options(neighbours=2, size=16))
    method.observe(flat(0.0, 0.1, 0.9))
    method.finalize()
    prediction = method(flat(0.2))
    # 256 pixels apart by 0.1 and by 0.2: distances 1.6 and 3.2.
    torch.testing.assert_close(prediction.score, torch.tensor([2.4]))
    torch.testing.assert_close(prediction.anomaly_map, torch.full((1, 1, 16, 16), 0.15))


def test_knn_needs_as_many_images_as_neighbours():
    method = Knn(SHAPE, Knn.Options())
    method.observe(flat(0.1, 0.2))
    with pytest.raises(ValueError, match="knn needs at least 5 training images; it saw 2"):
        method.finalize()
