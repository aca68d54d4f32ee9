import math

import torch

from models.method import Batch, Descent, InputShape
from models.methods.gm_vae import Gaussian, GaussianMixtureVae, divergences

SHAPE = InputShape(1, 16, 16)
IMAGES = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
STANDARD = Gaussian(torch.zeros(1, 1), torch.zeros(1, 1))


def clusters(*means_and_variances: tuple[float, float]) -> Gaussian:
    """Clusters of a latent of length 1, `(1, clusters, 1)`."""
    mean, variance = torch.tensor(means_and_variances).T
    return Gaussian(mean.view(1, -1, 1), variance.log().view(1, -1, 1))


def test_one_standard_normal_cluster_costs_what_a_vae_costs():
    latent = Gaussian(torch.tensor([[2.0]]), torch.tensor([[math.log(3.0)]]))
    terms = divergences(latent, STANDARD, clusters((0.0, 1.0)), drawn=latent.mean)
    torch.testing.assert_close(terms.latent, torch.tensor([0.5 * (4 + 3 - 1 - math.log(3.0))]))
    torch.testing.assert_close(terms.cluster, torch.zeros(1))


def test_the_style_costs_its_divergence_from_a_standard_normal():
    style = Gaussian(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    terms = divergences(STANDARD, style, clusters((0.0, 1.0)), drawn=STANDARD.mean)
    torch.testing.assert_close(terms.style, torch.tensor([0.5 + 0.5 * (math.e - 2)]))


def test_a_cluster_takes_its_share_of_the_latents_divergence():
    # At 0, between clusters of the same height there, both have half.
    terms = divergences(STANDARD, STANDARD, clusters((2.0, 1.0), (-2.0, 1.0)), drawn=STANDARD.mean)
    torch.testing.assert_close(terms.latent, torch.tensor([2.0]))
    torch.testing.assert_close(terms.cluster, torch.zeros(1))


def test_the_share_of_a_cluster_is_its_posterior():
    # At 0 the densities of variance 1 and 16 are as 4 to 1.
    terms = divergences(STANDARD, STANDARD, clusters((0.0, 1.0), (0.0, 16.0)), drawn=STANDARD.mean)
    torch.testing.assert_close(
        terms.cluster, torch.tensor([0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)])
    )
    wide = 0.5 * (1 / 16 - 1 + math.log(16.0))
    torch.testing.assert_close(terms.latent, torch.tensor([0.2 * wide]))


def test_a_latent_in_one_of_many_clusters_is_nearly_certain():
    far = torch.tensor([[50.0]])
    terms = divergences(Gaussian(far, torch.zeros(1, 1)), STANDARD, clusters((0, 1), (50, 1)), drawn=far)
    torch.testing.assert_close(terms.latent, torch.zeros(1))
    torch.testing.assert_close(terms.cluster, torch.tensor([math.log(2.0)]))


def first_logs(cluster_floor: float) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    options = GaussianMixtureVae.Options(width=2, latent=4, clusters=3, cluster_floor=cluster_floor)
    [stage] = GaussianMixtureVae(SHAPE, options).stages()
    assert isinstance(stage, Descent)
    [update] = stage.step(Batch(IMAGES, torch.zeros(4)), 0)
    return {"loss": update.loss, **update.logs}


def test_the_loss_weighs_the_divergences_over_the_latents_length():
    logs = first_logs(0.0)
    divergence = logs["latent"] + logs["style"] + logs["cluster"]
    torch.testing.assert_close(logs["loss"], logs["residual"] + 0.005 * divergence / 4)


def test_a_cluster_costs_at_least_its_floor():
    logs = first_logs(2.0)  # above log 3, the most that three clusters can cost
    divergence = logs["latent"] + logs["style"] + 2.0
    torch.testing.assert_close(logs["loss"], logs["residual"] + 0.005 * divergence / 4)


def test_a_gm_vae_scores_without_drawing():
    method = GaussianMixtureVae(SHAPE, GaussianMixtureVae.Options(width=2, latent=3)).eval()
    assert torch.equal(method(IMAGES).score, method(IMAGES).score)
