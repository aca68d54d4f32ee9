"""Functions with a corner, rounded, so that a search through them goes the same way on every machine.

Beside a corner a last digit's difference turns the gradient, and a long search multiplies it: two runtimes
would end at two places.

Source: the absolute value: Charbonnier et al., 1994, https://doi.org/10.1109/ICIP.1994.413553; ReLU:
squareplus: Barron, 2021, https://arxiv.org/abs/2112.11687. With the rounding r,

    |x| -> sqrt(x² + r²) - r,   max(x, slope x) -> slope x + (1 - slope) (x + sqrt(x² + r²)) / 2.
"""

from torch import Tensor, nn


def rounded_abs(values: Tensor, rounding: float) -> Tensor:
    """|x|, its corner at 0 rounded over about `rounding` on either side; never below 0."""
    return _rounded(values, rounding) - rounding if rounding else values.abs()


def _rounded(values: Tensor, rounding: float) -> Tensor:
    """sqrt(x² + r²); x² as a product: ONNX Runtime is slow at the power, and at its gradient's power of 1."""
    return (values * values + rounding**2).sqrt()


class RoundedReLU(nn.Module):
    def __init__(self, slope: float, rounding: float) -> None:
        super().__init__()
        self.slope, self.rounding = slope, rounding

    def forward(self, values: Tensor) -> Tensor:
        above = (values + _rounded(values, self.rounding)) / 2
        return self.slope * values + (1 - self.slope) * above if self.slope else above


def round_relus(module: nn.Module, rounding: float) -> None:
    """Put a `RoundedReLU` in the place of every ReLU and leaky ReLU in the module; none for 0."""
    if not rounding:
        return
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU | nn.LeakyReLU):
            setattr(module, name, RoundedReLU(getattr(child, "negative_slope", 0.0), rounding))
        else:
            round_relus(child, rounding)
