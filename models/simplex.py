"""Simplex noise in octaves, the same numbers in torch, in ONNX Runtime and in TorchScript.

Source: Gustavson, Simplex noise demystified, 2005, https://github.com/stegu/perlin-noise. The plane is cut
into triangles; a corner that lies d from a pixel, with a gradient g of length 1, adds

    max(0, 1/2 - |d|²)⁴ g · d,

and an octave is the sum over the three corners of the pixel's triangle. Octave k has a wavelength of
`wavelength / 2ᵏ` pixels and an amplitude of `persistenceᵏ`, as in Wyatt et al., AnoDDPM, 2022,
https://doi.org/10.1109/CVPRW56347.2022.00080. Differs from theirs: two dimensions, not a slice of three;
gradients in all directions, from the hash of `models/noise.py`; each octave is shifted by a random part of a
triangle, so that no pixel always lies on a corner, where the noise is 0; and the sum has variance 1.
"""

import math

import torch
from torch import Tensor, nn

from models.noise import derived_seed, uniform_noise

# Onto the grid of whole numbers that the triangles' corners are, and back.
SKEW = (math.sqrt(3) - 1) / 2
UNSKEW = (3 - math.sqrt(3)) / 6
# A unit of the plane has √3 corners; each adds the integral of (1/2 - |d|²)⁸ |d|² / 2 to the variance.
VARIANCE = math.sqrt(3) * math.pi / (2 * 2**10 * 90)


class SimplexNoise(nn.Module):
    """Seeds, int64 of any shape, to noise of mean 0 and variance 1, `(*seed.shape, H, W)`.

    `wavelength` is that of the first octave, in pixels.
    """

    def __init__(
        self, height: int, width: int, *, wavelength: float, octaves: int, persistence: float
    ) -> None:
        super().__init__()
        pixels = [2**octave / wavelength for octave in range(octaves)]
        heights = torch.tensor([persistence**octave for octave in range(octaves)])
        grids = [_grid(height, width, pixel) for pixel in pixels]
        counts = [rows * columns for rows, columns in grids]
        self._octaves = octaves
        self._size = (height, width)
        self._corners = sum(counts)
        # The octaves' corners stand in one row, those of the first octave first.
        self._keep("starts", [sum(counts[:octave]) for octave in range(octaves)])
        self._keep("columns", [columns for _rows, columns in grids])
        self._keep("pixels", pixels)
        self._keep("heights", (heights / (VARIANCE * (heights**2).sum()).sqrt()).tolist())
        self.starts: Tensor
        self.columns: Tensor
        self.pixels: Tensor
        self.heights: Tensor

    def forward(self, seed: Tensor) -> Tensor:
        height, width = self._size
        y = torch.arange(height, device=seed.device)[:, None] * self.pixels
        x = torch.arange(width, device=seed.device) * self.pixels
        shift = uniform_noise(derived_seed(seed, 0), 2 * self._octaves)
        shift_y, shift_x = shift.unflatten(-1, (2, self._octaves, 1, 1)).unbind(-4)
        skewed_y = y + SKEW * (x + y) + shift_y  # (*seed.shape, octaves, H, W)
        skewed_x = x + SKEW * (x + y) + shift_x
        row, column = skewed_y.floor(), skewed_x.floor()
        down, right = skewed_y - row, skewed_x - column
        first = self.starts + row.long() * self.columns + column.long()
        is_low = down > right
        low, high = is_low.to(down.dtype), (~is_low).to(down.dtype)
        # A triangle's corners: the first of its square, the one below or beside it, and the one across.
        corners = (
            (0.0, 0.0, first),
            (low, high, first + torch.where(is_low, self.columns, 1)),
            (1.0, 1.0, first + self.columns + 1),
        )
        turn = 2 * math.pi * uniform_noise(derived_seed(seed, 1), self._corners)
        gradients = turn.sin(), turn.cos()
        total = torch.zeros((), device=seed.device)
        for below, beside, place in corners:
            dy, dx = down - below, right - beside
            slant = UNSKEW * (dy + dx)
            dy, dx = dy - slant, dx - slant
            gy, gx = (table.gather(-1, place.flatten(-3)).view_as(dy) for table in gradients)
            share = (0.5 - dy * dy - dx * dx).clamp(min=0) ** 2
            total = total + share * share * (gy * dy + gx * dx)
        return (total * self.heights).sum(dim=-3)

    def _keep(self, name: str, values: list[float] | list[int]) -> None:
        """One number an octave, `(octaves, 1, 1)`."""
        self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)


def _grid(height: int, width: int, pixel: float) -> tuple[int, int]:
    """Rows and columns of corners: as many as the last pixel's triangle needs when shifted by up to 1."""
    rows, columns = (
        int(((1 + SKEW) * (along - 1) + SKEW * (across - 1)) * pixel) + 3
        for along, across in ((height, width), (width, height))
    )
    return rows, columns
