"""Small pictures of the training normals, and for an image those that are most like it.

Source: nearest-neighbour scoring goes back to Ramaswamy et al., 2000, https://doi.org/10.1145/342009.335437.
Shifting a normal by whole cells before it is compared is the plainest registration: organs do not lie in the
same place in every picture.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.blocks.filters import gaussian_blur
from models.method import InputShape


class Neighbourhood(NamedTuple):
    """An image on the middle grid beside its nearest normals there, each `(B, C, size, size)`."""

    values: Tensor
    mean: Tensor
    spread: Tensor  # standard deviation of the neighbours


class Neighbours(nn.Module):
    """A memory of normals on a blurred middle grid, searched by a coarser one.

    `shift` also compares every normal moved by up to so many cells of the middle grid, up, down and
    sideways, its edge repeated; `mirror` also its left-right mirror image.
    """

    def __init__(
        self, shape: InputShape, *, key_size: int, value_size: int, blur: float, shift: int, mirror: bool
    ) -> None:
        super().__init__()
        self._shape = shape
        self._key_size = key_size
        self._value_size = value_size
        self._blur = blur
        self._shift = shift
        self._mirror = mirror
        self._seen: list[Tensor] = []
        self.memory: Tensor
        self.register_buffer("memory", torch.empty(0))  # (N, C, value_size, value_size)

    def observe(self, images: Tensor) -> None:
        self._seen.append(self._values_of(images))

    def finalize(self, least: int) -> None:
        """Turn what was seen into the memory.

        Raises:
            ValueError: Fewer than `least` images were seen.
        """
        seen = torch.cat(self._seen)
        self._seen.clear()
        if len(seen) < least:
            raise ValueError(
                f"a neighbourhood of {least} needs as many training images; {len(seen)} were seen"
            )
        self.memory = seen

    def forward(self, images: Tensor, count: int, skip: int = 0) -> Neighbourhood:
        """The `count` nearest normals, after leaving out the `skip` very nearest.

        The same normal may count in several places: its shifted and mirrored pictures are pictures too.
        """
        values = self._values_of(images)
        memory = torch.cat([self.memory, self.memory.flip(-1)]) if self._mirror else self.memory
        padded = functional.pad(memory, (self._shift,) * 4, mode="replicate")
        nearest = self._nearest(values, padded, count + skip)[:, skip:]  # (B, count)
        neighbours = self._windows(padded, nearest)
        mean = neighbours.mean(dim=1)
        spread = ((neighbours - mean[:, None]) ** 2).mean(dim=1).sqrt()
        return Neighbourhood(values, mean, spread)

    def _nearest(self, values: Tensor, padded: Tensor, count: int) -> Tensor:
        """Numbers of the nearest pictures, `shift number * N + number in memory`."""
        size = self._value_size
        places = range(2 * self._shift + 1)
        # Only constants: a runtime computes the keys of all shifts once, and the file does not hold them.
        keys = torch.cat(
            [self._keys_of(padded[:, :, y : y + size, x : x + size]) for y in places for x in places]
        )
        # Around their centre numbers are small: rounding must not decide who is near.
        centre = self._keys_of(self.memory.mean(dim=0, keepdim=True))
        keys, queries = keys - centre, self._keys_of(values) - centre
        # |a - b|² without |a|²: the same for all neighbours of one image, so it cannot change their order.
        distances = (keys**2).sum(dim=1) - 2 * queries @ keys.T
        return torch.topk(distances, count, dim=1, largest=False).indices

    def _windows(self, padded: Tensor, numbers: Tensor) -> Tensor:
        """Cut the pictures out of the padded memory, `(B, count, C, size, size)`."""
        total, channels, side, _side = padded.shape
        size, places = self._value_size, 2 * self._shift + 1
        place, picture = numbers // total, numbers % total
        steps = torch.arange(size, device=padded.device)
        rows = (place // places)[..., None, None, None] + steps[:, None]
        columns = (place % places)[..., None, None, None] + steps
        channel = torch.arange(channels, device=padded.device)[:, None, None]
        index = ((picture[..., None, None, None] * channels + channel) * side + rows) * side + columns
        return padded.flatten()[index]

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # The memory's length is known only after training: take the checkpoint's.
        if (name := prefix + "memory") in state_dict:
            self.memory = torch.empty_like(state_dict[name], device=self.memory.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _values_of(self, images: Tensor) -> Tensor:
        size = self._value_size
        pooled = functional.avg_pool2d(images, (self._shape.height // size, self._shape.width // size))
        return gaussian_blur(pooled, self._blur)

    def _keys_of(self, values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, self._value_size // self._key_size).flatten(1)
