"""The small convolutional encoder and decoder that the bottleneck methods share.

Source: Cai et al., MedIAnomaly, 2024, https://arxiv.org/abs/2404.04518: four blocks of stride 2 with 16, 32,
64 and 64 channels at `width` 16, and one hidden layer on each side of the latent vector.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from models.method import InputShape

MULTIPLES = (1, 2, 4, 4)
HIDDEN = 1024


class Encoder(nn.Module):
    """Images `(B, C, H, W)` to `(B, outputs)`; H and W are multiples of 16."""

    def __init__(self, shape: InputShape, outputs: int, *, width: int) -> None:
        super().__init__()
        widths = _widths(shape, width)
        blocks = zip([shape.channels, *widths], widths, strict=False)
        self.blocks = nn.Sequential(*(_down(before, after) for before, after in blocks))
        flat = widths[-1] * (shape.height // 16) * (shape.width // 16)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(flat, HIDDEN), nn.ReLU(inplace=True), nn.Linear(HIDDEN, outputs)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(images))


class Decoder(nn.Module):
    """Latent vectors `(B, latent)` to `(B, outputs, H, W)`, unbounded."""

    def __init__(self, shape: InputShape, latent: int, outputs: int, *, width: int) -> None:
        super().__init__()
        widths = _widths(shape, width)[::-1]
        start = (widths[0], shape.height // 16, shape.width // 16)
        self.expand = nn.Sequential(
            nn.Linear(latent, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, start[0] * start[1] * start[2]),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, start),
        )
        ends = [*widths[1:], widths[-1]]
        self.blocks = nn.Sequential(*(_up(before, after) for before, after in zip(widths, ends, strict=True)))
        self.head = nn.Conv2d(ends[-1], outputs, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        return self.head(self.blocks(self.expand(latent)))


def _widths(shape: InputShape, width: int) -> Sequence[int]:
    if shape.height % 16 or shape.width % 16:
        raise ValueError(
            f"the autoencoder needs sides that are multiples of 16; they are {shape.height} x {shape.width}"
        )
    return [width * multiple for multiple in MULTIPLES]


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
