"""A Wasserstein critic's turn, and a critic of strided convolutions.

Source: Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028, equation 3: with the critic D,

    mean D(fake) - mean D(real) + penalty mean (|∇D(between)| - 1)².

The critic does without normalisation: the penalty is one image's, not a batch's.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.blocks.gradient_penalty import gradient_penalty
from models.method import InputShape, Update

# Channels, in units of `width`, at the most.
WIDEST = 8
SLOPE = 0.2


def criticise(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, *, penalty: float) -> Update:
    """The update of the optimizer `critic` on images `(B, C, H, W)`; the fake ones carry no gradient."""
    # One pass over both: the critic sees each image by itself.
    on_fake, on_real = critic(torch.cat([fake, real])).chunk(2)
    gap = on_real.mean() - on_fake.mean()
    steepness = gradient_penalty(critic, real, fake)
    return Update("critic", penalty * steepness - gap, {"critic_gap": gap, "penalty": steepness})


def leaky_relu() -> nn.Module:
    return nn.LeakyReLU(SLOPE)


def strided_critic(
    shape: InputShape, width: int, *, activation: Callable[[], nn.Module] = leaky_relu
) -> nn.Sequential:
    """Images `(B, C, H, W)` to `(B, 1)`; halves them down to 4 to 7 pixels a side."""
    height, columns = shape.height, shape.width
    widths = [shape.channels]
    while min(height, columns) >= 8:
        widths.append(width * min(WIDEST, 2 ** (len(widths) - 1)))
        height, columns = height // 2, columns // 2
    layers = [
        nn.Sequential(nn.Conv2d(before, after, 4, stride=2, padding=1), activation())
        for before, after in itertools.pairwise(widths)
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * height * columns, 1))
