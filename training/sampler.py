"""Which training images make the next batch: shuffled epochs without end, whose place can be saved."""

from typing import Any

import torch
from torch import Tensor


class Sampler:
    """Indices `0 .. count-1` in a new order every epoch; the last, smaller batch of an epoch is dropped.

    Fewer images than a batch make batches of all of them.
    """

    def __init__(self, count: int, batch_size: int, *, seed: int) -> None:
        self._batch_size = min(batch_size, count)
        self._count = count
        self._rng = torch.Generator().manual_seed(seed)
        self._order = torch.randperm(count, generator=self._rng)
        self._position = 0

    def next(self) -> Tensor:
        """The next batch's indices."""
        if self._position + self._batch_size > self._count:
            self._order = torch.randperm(self._count, generator=self._rng)
            self._position = 0
        batch = self._order[self._position : self._position + self._batch_size]
        self._position += self._batch_size
        return batch

    def state(self) -> dict[str, Any]:
        return {"rng": self._rng.get_state(), "order": self._order, "position": self._position}

    def restore(self, state: dict[str, Any]) -> None:
        self._rng.set_state(state["rng"])
        self._order, self._position = state["order"], state["position"]
