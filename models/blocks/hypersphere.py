"""The sphere around the normals' representations, on which the one-class methods agree.

Source: Ruff et al., Deep One-Class Classification, 2018, http://proceedings.mlr.press/v80/ruff18a.html,
section 3.2, and the authors' code, https://github.com/lukasruff/Deep-SVDD-PyTorch.
"""

import torch
from torch import Tensor, nn

# A coordinate nearer to 0 is moved there: a network of zero weights would reach a centre at 0.
LEAST = 0.1


class Centre(nn.Module):
    """The mean `value` `(d,)` of the representations shown, and the mean `image` `(1, C, H, W)` behind it."""

    def __init__(self, length: int, image_size: tuple[int, int, int]) -> None:
        super().__init__()
        self.value: Tensor
        self.image: Tensor
        self.register_buffer("value", torch.zeros(length))
        self.register_buffer("image", torch.zeros(1, *image_size))
        self._count = 0

    def observe(self, images: Tensor, representations: Tensor) -> None:
        if self._count == 0:
            self.value, self.image = torch.zeros_like(self.value), torch.zeros_like(self.image)
        self.value = self.value + representations.detach().sum(dim=0)
        self.image = self.image + images.sum(dim=0, keepdim=True)
        self._count += len(images)

    def finalize(self) -> None:
        mean = self.value / self._count
        self.image = self.image / self._count
        self._count = 0
        moved = torch.where(mean < 0, torch.full_like(mean, -LEAST), torch.full_like(mean, LEAST))
        self.value = torch.where(mean.abs() < LEAST, moved, mean)

    def squared_distance(self, representations: Tensor) -> Tensor:
        """From each representation `(B, d)` to the centre, `(B,)`."""
        return ((representations - self.value) ** 2).sum(dim=1)
