"""The penalty that keeps a Wasserstein critic's slope near 1.

Source: Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028, equation 3.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared deviation from 1 of the critic's slope, somewhere between each real and fake image.

    Args:
        critic: Images `(B, C, H, W)` to `(B, 1)`; an image's value depends on no other of the batch.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(fake, real, share).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
