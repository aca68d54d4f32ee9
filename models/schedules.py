"""How the learning rate goes through a stage: from the share of its steps done to a share of the rate."""

import math
from collections.abc import Callable

WARM_UP = 0.1


def steady(_done: float) -> float:
    return 1.0


def cosine(done: float) -> float:
    """Falls from 1 to 0 along half a cosine (Loshchilov and Hutter, 2016, https://arxiv.org/abs/1608.03983)."""
    return 0.5 * (1 + math.cos(math.pi * done))


def one_cycle(done: float) -> float:
    """Climbs for the first tenth, then falls to 0 along half a cosine."""
    return done / WARM_UP if done < WARM_UP else cosine((done - WARM_UP) / (1 - WARM_UP))


def step_at(place: float) -> Callable[[float], float]:
    """A tenth from the share `place` of the steps on."""
    return lambda done: 0.1 if done >= place else 1.0
