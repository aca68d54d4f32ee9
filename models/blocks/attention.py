"""Self-attention: every position of a feature map takes something from all the others.

Source: Zhang et al., Self-Attention Generative Adversarial Networks, 2018, https://arxiv.org/abs/1805.08318.
With 1 x 1 convolutions f, g, h to an eighth of the channels and v back,

    y_j = x_j + gain v(sum_i share_ij h(x_i)),   share_ij = softmax over i of f(x_i) · g(x_j),

where the gain is learned and starts at 0.
Differs from the paper: no spectral normalisation.
"""

import torch
from torch import Tensor, nn

REDUCTION = 8


class SelfAttention(nn.Module):
    """`(B, C, H, W)` to the same; its cost grows with the square of H W: it belongs on coarse maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // REDUCTION)
        self.asked = nn.Conv2d(channels, inner, 1, bias=False)
        self.asking = nn.Conv2d(channels, inner, 1, bias=False)
        self.told = nn.Conv2d(channels, inner, 1, bias=False)
        self.back = nn.Conv2d(inner, channels, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        told = self.told(features)
        asked, asking = self.asked(features).flatten(2), self.asking(features).flatten(2)
        share = torch.softmax(asked.transpose(1, 2) @ asking, dim=1)  # (B, H W asked, H W asking)
        return features + self.gain * self.back((told.flatten(2) @ share).view_as(told))
