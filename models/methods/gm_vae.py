"""Gaussian-mixture VAE: a variational autoencoder whose prior has clusters, for normals of several kinds.

Source: Dilokthanakul et al., 2016, https://arxiv.org/abs/1611.02648; for anomalies Chen et al., 2020,
https://arxiv.org/abs/2005.00031. With q(z|x) and q(w|x) diagonal Gaussians of one encoder and a small network
that turns w into the clusters' priors p(z|w, k) = N(mean_k(w), variance_k(w)),

    r_k = p(k|z, w) = softmax_k log p(z|w, k),
    regulariser = sum_k r_k KL(q(z|x) | p(z|w, k)) + KL(q(w|x) | N(0, I))
                  + max(KL(r | uniform), cluster_floor),
    loss = mean (x - D(z))² + kl_weight regulariser / d,
    map = (x - D(mean of z))²,   score = mean of the map + kl_weight regulariser / d, the negative ELBO up to
    constants, without the floor and at the means of z and w.

Differs from the papers: a latent vector instead of a map of them, a decoder of fixed variance, means with a
weight in place of sums, and thousands of steps, so that it trains on two cores. Chen et al. restore each
image by gradient ascent; here the map is the residual.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.blocks.autoencoder import Decoder, Encoder
from models.losses import mean_per_image
from models.method import AnomalyMethod, Batch, Descent, InputShape, Prediction, Stage, Update


class Gaussian(NamedTuple):
    """A diagonal Gaussian; the last axis is the vector's."""

    mean: Tensor
    log_variance: Tensor

    def draw(self) -> Tensor:
        return self.mean + (0.5 * self.log_variance).exp() * torch.randn_like(self.mean)


class Divergences(NamedTuple):
    """The three terms of the regulariser, each `(B,)`."""

    latent: Tensor
    style: Tensor
    cluster: Tensor


class GaussianMixtureVae(AnomalyMethod):
    @dataclass(frozen=True)
    class Options:
        """`style` is the length of w; `cluster_floor`, in nats, is what knowing the cluster may cost free."""

        width: int = 16
        latent: int = 16
        style: int = 16
        clusters: int = 9
        hidden: int = 64
        kl_weight: float = 0.005
        cluster_floor: float = 0.5
        learning_rate: float = 1e-3
        steps: int = 2000

    def __init__(self, shape: InputShape, options: Options) -> None:
        super().__init__(shape, options)
        self.options = options
        self.encoder = Encoder(shape, 2 * (options.latent + options.style), width=options.width)
        self.prior = nn.Sequential(
            nn.Linear(options.style, options.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(options.hidden, options.clusters * 2 * options.latent),
            nn.Unflatten(1, (options.clusters, 2 * options.latent)),
        )
        self.decoder = Decoder(shape, options.latent, shape.channels, width=options.width)

    def stages(self) -> Sequence[Stage]:
        return [Descent("reconstruct", self.options.steps, self._optimizers, self._step)]

    def forward(self, images: Tensor) -> Prediction:
        latent, style = self._encode(images)
        reconstruction = self.decoder(latent.mean)
        anomaly_map = ((images - reconstruction) ** 2).mean(dim=1, keepdim=True)
        terms = divergences(latent, style, self._clusters(style.mean), drawn=latent.mean)
        score = mean_per_image(anomaly_map) + self._weigh(terms.latent + terms.style + terms.cluster)
        return Prediction(score, anomaly_map, reconstruction)

    def _encode(self, images: Tensor) -> tuple[Gaussian, Gaussian]:
        lengths = 2 * [self.options.latent] + 2 * [self.options.style]
        mean, log_variance, style_mean, style_log_variance = self.encoder(images).split(lengths, dim=1)
        return Gaussian(mean, log_variance), Gaussian(style_mean, style_log_variance)

    def _clusters(self, style: Tensor) -> Gaussian:
        mean, log_variance = self.prior(style).chunk(2, dim=2)  # (B, clusters, latent)
        return Gaussian(mean, log_variance)

    def _weigh(self, divergence: Tensor) -> Tensor:
        return self.options.kl_weight * divergence / self.options.latent

    def _optimizers(self) -> Mapping[str, Optimizer]:
        return {"autoencoder": Adam(self.parameters(), lr=self.options.learning_rate)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        latent, style = self._encode(batch.images)
        drawn = latent.draw()
        residual = ((batch.images - self.decoder(drawn)) ** 2).mean()
        terms = divergences(latent, style, self._clusters(style.draw()), drawn=drawn)
        floored = terms.cluster.clamp(min=self.options.cluster_floor)
        loss = residual + self._weigh(terms.latent + terms.style + floored).mean()
        logs = {name: term.mean() for name, term in terms._asdict().items()}
        yield Update("autoencoder", loss, {"residual": residual, **logs})


def divergences(latent: Gaussian, style: Gaussian, clusters: Gaussian, *, drawn: Tensor) -> Divergences:
    """What q(z|x), q(w|x) and the clusters' posterior at `drawn`, a z of `(B, latent)`, cost in nats."""
    precision = (-clusters.log_variance).exp()
    likelihood = -0.5 * ((drawn[:, None] - clusters.mean) ** 2 * precision + clusters.log_variance).sum(dim=2)
    log_share = torch.log_softmax(likelihood, dim=1)  # (B, clusters)
    share = log_share.exp()
    mean, log_variance = latent.mean[:, None], latent.log_variance[:, None]
    spread = (log_variance.exp() + (mean - clusters.mean) ** 2) * precision
    to_cluster = 0.5 * (spread - 1 + clusters.log_variance - log_variance).sum(dim=2)
    to_normal = 0.5 * (style.mean**2 + style.log_variance.exp() - 1 - style.log_variance).sum(dim=1)
    uniform = -math.log(clusters.mean.shape[1])
    return Divergences(
        latent=(share * to_cluster).sum(dim=1),
        style=to_normal,
        cluster=(share * (log_share - uniform)).sum(dim=1),
    )
