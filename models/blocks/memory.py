"""A memory of learned slots that a query can only be rebuilt from.

Source: Gong et al., 2019, https://arxiv.org/abs/1904.02639, equations 3 to 7. With the slots as rows of M,

    w = softmax(similarity(z, M)),   ŵ = max(w - shrinkage, 0) w / (|w - shrinkage| + eps), summing to 1,
    ẑ = ŵ M.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Addressing = Literal["cosine", "dot"]


class Memory(nn.Module):
    """Queries `(B, length)` to what was read `(B, length)` and the weights of the slots `(B, slots)`."""

    def __init__(self, slots: int, length: int, *, shrinkage: float, addressing: Addressing) -> None:
        super().__init__()
        self.shrinkage = shrinkage
        self.addressing = addressing
        bound = 1 / math.sqrt(length)
        self.slots = nn.Parameter(torch.empty(slots, length).uniform_(-bound, bound))

    def forward(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        if self.addressing == "cosine":
            similarity = functional.normalize(queries, dim=1) @ functional.normalize(self.slots, dim=1).T
        else:
            similarity = queries @ self.slots.T
        weights = torch.softmax(similarity, dim=1)
        above = weights - self.shrinkage
        kept = functional.relu(above) * weights / (above.abs() + 1e-12)
        weights = functional.normalize(kept, p=1.0, dim=1)
        return weights @ self.slots, weights


def entropy(weights: Tensor) -> Tensor:
    """Entropy of each query's weights `(B, slots)`, `(B,)`, in nats."""
    return -(weights * (weights + 1e-12).log()).sum(dim=1)
