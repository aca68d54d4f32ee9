"""A 3x3 convolution with the change of scale beside it, in one step that computes the same.

Source: the folding of a doubling, or of a mean of 2 x 2, into a 4x4 convolution of stride 2: Karras et al.,
2020, https://arxiv.org/abs/1912.04958, in its code; here the weights stay those of the 3x3 convolution. The
big image never exists, and 16 multiplications a small pixel take the place of 36.
"""

from torch import Tensor, nn
from torch.nn import functional


class PooledConv(nn.Conv2d):
    """`(B, inputs, H, W)` to `(B, outputs, H/2, W/2)`: the mean of 2 x 2 of a 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        return functional.conv2d(images, _shifted(self.weight) / 4, self.bias, stride=2, padding=1)


class DoubledConv(nn.Conv2d):
    """`(B, inputs, H, W)` to `(B, outputs, 2H, 2W)`: a 3x3 convolution of every pixel written 2 x 2 times."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        kernel = _shifted(self.weight.flip(2, 3)).transpose(0, 1)
        return functional.conv_transpose2d(images, kernel, self.bias, stride=2, padding=1)


def _shifted(kernel: Tensor) -> Tensor:
    """The sum of a 3x3 kernel in all four places of a 4x4 one."""
    rows = functional.pad(kernel, (0, 0, 0, 1)) + functional.pad(kernel, (0, 0, 1, 0))
    return functional.pad(rows, (0, 1)) + functional.pad(rows, (1, 0))
