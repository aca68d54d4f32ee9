"""How alike two images are in structure, at several scales.

Source: Wang et al., Image Quality Assessment, 2004, https://doi.org/10.1109/TIP.2003.819861, equation 13; the
scales' weights: Wang et al., Multi-scale Structural Similarity, 2003,
https://doi.org/10.1109/ACSSC.2003.1292216. With means, variances and the covariance in a Gaussian window,

    s = (2 mx my + c1) (2 cxy + c2) / [(mx² + my² + c1) (vx + vy + c2)],
    d = sum over scales of weight_k (1 - s_k),   a scale having half the sides of the one before.

Differs from multi-scale SSIM: the scales are summed, not multiplied, so that every pixel has its share; only
scales with room for a window are taken, their weights brought to a sum of 1; at an edge the window is what of
it lies inside.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# In pixels.
SIGMA, WINDOW = 1.5, 11
C1, C2 = 0.01**2, 0.03**2


def scale_weights(height: int, width: int) -> list[float]:
    """The weights of the scales that images of these sides have, the finest first; their sum is 1."""
    side = min(height, width)
    if side < WINDOW:
        raise ValueError(
            f"structural similarity needs sides of at least {WINDOW}; they are {height} x {width}"
        )
    fitting = [weight for scale, weight in enumerate(WEIGHTS) if side >> scale >= WINDOW]
    return [weight / sum(fitting) for weight in fitting]


def structural_similarity(first: Tensor, second: Tensor) -> Tensor:
    """s at every pixel of images `(B, C, H, W)` in [0, 1]; at most 1."""
    # Variances are small differences of squares: in float32 a flat ground keeps too few digits of them.
    x, y = first.double(), second.double()
    mean_x, mean_y, xx, yy, xy = _window_means(torch.cat([x, y, x * x, y * y, x * y], dim=1)).chunk(5, dim=1)
    spread = xx - mean_x**2 + yy - mean_y**2
    structure = (2 * (xy - mean_x * mean_y) + C2) / (spread + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return (luminance * structure).to(first.dtype)


def multi_scale_dissimilarity(first: Tensor, second: Tensor, weights: Sequence[float]) -> Tensor:
    """d at every pixel of images `(B, C, H, W)` in [0, 1], `(B, 1, H, W)`; 0 where they are the same.

    Sides halve evenly as often as there are weights after the first.
    """
    total = torch.zeros((), device=first.device)
    for scale, weight in enumerate(weights):
        if scale:
            first, second = functional.avg_pool2d(first, 2), functional.avg_pool2d(second, 2)
        unlike = (1 - structural_similarity(first, second)).mean(dim=1, keepdim=True)
        total = total + weight * functional.interpolate(unlike, scale_factor=float(2**scale), mode="nearest")
    return total


def _window_means(images: Tensor) -> Tensor:
    # Matrices, not a convolution: ONNX Runtime has none in double precision.
    rows, columns = (_window(int(side), images.device) for side in images.shape[2:])
    return rows @ images @ columns.T


def _window(side: int, device: torch.device) -> Tensor:
    """The share of every pixel, a column, in the window round every pixel, a row."""
    places = torch.arange(side, dtype=torch.float64, device=device)
    apart = places[:, None] - places
    shares = torch.exp(-(apart**2) / (2 * SIGMA**2)) * (apart.abs() <= WINDOW // 2)
    return shares / shares.sum(dim=1, keepdim=True)
