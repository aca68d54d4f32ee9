"""A few vectors that no other of many is far from.

Source: the greedy k-centre choice as Roth et al., 2022, https://arxiv.org/abs/2106.08265, use it (algorithm
1): always take the vector that is farthest from all taken, by distances after a random projection.
"""

import torch
from torch import Tensor


def greedy_coreset(vectors: Tensor, count: int, *, projection: int, rng: torch.Generator) -> Tensor:
    """The places of `count` of the vectors `(N, d)`, in the order taken; the first is drawn.

    `projection` is the number of dimensions that distances are measured in; d or more means all d.
    """
    length = vectors.shape[1]
    seen = vectors.float()
    if projection < length:
        directions = torch.randn(length, projection, generator=rng) / projection**0.5
        seen = seen @ directions.to(seen)
    squares = (seen**2).sum(dim=1)
    place = torch.randint(len(seen), (), generator=rng).to(seen.device)
    nearest = torch.full_like(squares, torch.inf)
    taken = []
    for _number in range(count):
        taken.append(place)
        distance = squares + squares[place] - 2 * seen @ seen[place]
        nearest = torch.minimum(nearest, distance)
        # Taken is taken: of many equal vectors rounding could put one first again.
        nearest[place] = -torch.inf
        place = nearest.argmax()
    return torch.stack(taken)
