"""The dual of the one-class support vector machine, solved two multipliers at a time.

Source: Schölkopf et al., 2001, https://doi.org/10.1162/089976601750264965; the pair by second-order
information is Fan, Chen and Lin's, 2005, https://www.jmlr.org/papers/v6/fan05a.html. Scaled by nu n, as
LIBSVM has it:

    min ½ aᵀ K a   with   0 <= a_i <= 1,   sum a = nu n;   rho = (K a)_i wherever 0 < a_i < 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Dual(NamedTuple):
    multipliers: Tensor  # (n,)
    rho: Tensor  # ()


def solve_dual(kernel: Tensor, nu: float, *, tolerance: float = 1e-4, most_steps: int = 200_000) -> Dual:
    """Solve for the kernel matrix `(n, n)`, in double precision; nu in (0, 1].

    It ends when no pair of multipliers breaks the conditions of an optimum by more than `tolerance`.
    """
    kernel = kernel.double()
    diagonal = kernel.diagonal()
    total = nu * len(kernel)
    # The first so many at their bound, and one at what is left, as LIBSVM starts.
    multipliers = (total - torch.arange(len(kernel), device=kernel.device).double()).clamp(0, 1)
    gradient = kernel @ multipliers
    for _step in range(most_steps):
        can_rise, can_fall = multipliers < 1, multipliers > 0
        rising = torch.where(can_rise, gradient, torch.inf).argmin()
        gain = gradient - gradient[rising]
        if torch.where(can_fall, gain, 0.0).max() < tolerance:
            break
        curvature = (diagonal[rising] + diagonal - 2 * kernel[rising]).clamp(min=1e-12)
        falling = torch.where(can_fall & (gain > 0), gain**2 / curvature, -torch.inf).argmax()
        step = gain[falling] / curvature[falling]
        step = torch.minimum(step, torch.minimum(1 - multipliers[rising], multipliers[falling]))
        multipliers[rising] += step
        multipliers[falling] -= step
        gradient += step * (kernel[rising] - kernel[falling])
    return Dual(multipliers, _rho(multipliers, gradient))


def _rho(multipliers: Tensor, gradient: Tensor) -> Tensor:
    is_free = (multipliers > 0) & (multipliers < 1)
    if is_free.any():
        return gradient[is_free].mean()
    # At an optimum it lies between those at their bound and those at 0.
    bounded, zero = gradient[multipliers >= 1], gradient[multipliers <= 0]
    if len(zero) == 0:
        return bounded.max()
    return (bounded.max() + zero.min()) / 2
