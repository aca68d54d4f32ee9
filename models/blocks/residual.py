"""The residual blocks of WGAN-GP's 64x64 networks.

Source: Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028, appendix F. Up-sampling and mean pooling sit
where the paper's code has them: up-sample before, pool after the convolutions.
"""

from torch import Tensor, nn
from torch.nn import functional

from models.blocks.resampling import DoubledConv, PooledConv


class UpBlock(nn.Module):
    """`(B, inputs, H, W)` to `(B, outputs, 2H, 2W)`, batch-normalised; the generator's."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(inputs, outputs, 1)
        self.norm_1 = nn.BatchNorm2d(inputs)
        self.conv_1 = DoubledConv(inputs, outputs, bias=False)
        self.norm_2 = nn.BatchNorm2d(outputs)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        # A 1x1 convolution and nearest-neighbour doubling commute: the cheap order computes the same.
        skip = functional.interpolate(self.skip(features), scale_factor=2.0, mode="nearest")
        inner = self.conv_1(functional.relu(self.norm_1(features)))
        return skip + self.conv_2(functional.relu(self.norm_2(inner)))


class DownBlock(nn.Module):
    """`(B, inputs, H, W)` to `(B, outputs, H/2, W/2)`, layer-normalised; the critic's and the encoder's.

    Layer normalisation, not batch normalisation: the gradient penalty is one image's, not a batch's. One
    group is layer normalisation with a scale for each channel, as the paper's code has it.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(inputs, outputs, 1)
        self.norm_1 = nn.GroupNorm(1, inputs)
        self.conv_1 = nn.Conv2d(inputs, inputs, 3, padding=1, bias=False)
        self.norm_2 = nn.GroupNorm(1, inputs)
        self.conv_2 = PooledConv(inputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        # Here too the order of the 1x1 convolution and the mean is the cheap one.
        skip = self.skip(functional.avg_pool2d(features, 2))
        inner = self.conv_1(functional.relu(self.norm_1(features)))
        return skip + self.conv_2(functional.relu(self.norm_2(inner)))
