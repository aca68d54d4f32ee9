"""How alike two images are in level, contrast and structure, pixel by pixel.

Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004,
https://doi.org/10.1109/TIP.2003.819861, equation 13. Differs from the paper: a plain window in place of a
Gaussian one, and edges are repeated, so that the map has the images' size.
"""

from torch import Tensor
from torch.nn import functional

WINDOW = 11
K_LEVEL, K_CONTRAST = 0.01, 0.03


def ssim_map(first: Tensor, second: Tensor, *, value_range: float) -> Tensor:
    """Of two batches `(B, C, H, W)` whose values span `value_range`: `(B, C, H, W)` in [-1, 1]."""
    level, contrast = (K_LEVEL * value_range) ** 2, (K_CONTRAST * value_range) ** 2
    mean_1, mean_2 = _mean(first), _mean(second)
    variance_1, variance_2 = _mean(first**2) - mean_1**2, _mean(second**2) - mean_2**2
    covariance = _mean(first * second) - mean_1 * mean_2
    likeness = (2 * mean_1 * mean_2 + level) * (2 * covariance + contrast)
    return likeness / ((mean_1**2 + mean_2**2 + level) * (variance_1 + variance_2 + contrast))


def _mean(images: Tensor) -> Tensor:
    margin = WINDOW // 2
    padded = functional.pad(images, (margin, margin, margin, margin), mode="replicate")
    return functional.avg_pool2d(padded, WINDOW, stride=1)
