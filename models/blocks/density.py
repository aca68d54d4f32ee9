"""A Gaussian around the normals' features, its covariance shrunk so that it can be inverted.

Source: Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, 2004,
https://doi.org/10.1016/S0047-259X(03)00096-4. With S the sample covariance of n vectors of d numbers,

    Sigma = (1 - s) S + s mu I,   mu = tr(S) / d,   s = min(b², d²) / d²,
    b² = sum over the vectors |x xᵀ - S|² / n²,   d² = |S - mu I|².
"""

import torch
from torch import Tensor, nn


class Gaussian(nn.Module):
    """The mean `(d,)` and the precision `(d, d)` of the vectors given to `fit`."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.precision: Tensor
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("precision", torch.eye(length))

    def fit(self, vectors: Tensor) -> None:
        """Take mean and precision of `(n, d)`.

        Raises:
            ValueError: There are fewer than two vectors.
        """
        if len(vectors) < 2:
            raise ValueError(f"a Gaussian needs at least 2 training images; there is {len(vectors)}")
        exact = vectors.double()
        mean = exact.mean(dim=0)
        covariance, _shrinkage = ledoit_wolf(exact - mean)
        # Vectors that are all the same have no spread at all to shrink towards.
        least = torch.eye(len(mean), dtype=exact.dtype, device=exact.device) * 1e-8
        self.mean = mean.to(self.mean)
        self.precision = torch.linalg.inv(covariance + least).to(self.precision)

    def whiten(self, vectors: Tensor) -> Tensor:
        """Precision times what sets `(B, d)` apart from the mean, `(B, d)`."""
        return (vectors - self.mean) @ self.precision


def ledoit_wolf(centred: Tensor) -> tuple[Tensor, Tensor]:
    """The shrunk covariance `(d, d)` of vectors `(n, d)` whose mean is 0, and the shrinkage in [0, 1]."""
    count, length = centred.shape
    covariance = centred.T @ centred / count
    mu = covariance.trace() / length
    identity = torch.eye(length, dtype=centred.dtype, device=centred.device)
    distance = ((covariance - mu * identity) ** 2).sum()
    # |x xᵀ - S|², summed over the vectors, is the sum of |x|⁴ less n |S|².
    fourth = ((centred**2).sum(dim=1) ** 2).sum()
    error = (fourth - count * (covariance**2).sum()) / count**2
    shrinkage = torch.where(distance > 0, error / distance, 1.0).clamp(0, 1)
    return (1 - shrinkage) * covariance + shrinkage * mu * identity, shrinkage
