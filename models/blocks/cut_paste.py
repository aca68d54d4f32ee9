"""CutPaste: tell a normal image from one with a piece of itself pasted where it does not belong.

Source: Li et al., CutPaste: Self-Supervised Learning for Anomaly Detection and Localization, 2021,
https://arxiv.org/abs/2104.04015; pasting only into the anatomy is AnatPaste's, Sato et al., 2022,
https://arxiv.org/abs/2205.04282. A patch is a rectangle of 2 to 15 % of the image, up to 3.3 times as long as
wide or wide as long; a scar is 2 to 16 by 10 to 25 pixels of 256, turned by up to 45 degrees. Both are
brightened and stretched by up to 10 %.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Optimizer

from models.blocks.anatomy import foreground, lungs
from models.blocks.features import ResNet
from models.method import Batch, Descent, Update
from models.schedules import cosine

Task = Literal["normal", "scar", "3way"]
Place = Literal["anywhere", "foreground", "anat"]

AREA = (0.02, 0.15)  # of the image
ASPECT = 3.3
SCAR_WIDTH, SCAR_LENGTH = (2 / 256, 16 / 256), (10 / 256, 25 / 256)  # of the shorter side
JITTER = 0.1
# SGD as in the paper.
MOMENTUM, WEIGHT_DECAY = 0.9, 3e-5


class CutPasteTask(nn.Module):
    """Trains a ResNet by the task, in a stage.

    `task` tells normal images from patches ("normal"), from scars, or all three apart. `place` pastes
    anywhere, only on the foreground, or only into the lungs of a chest X-ray ("anat").
    """

    def __init__(self, network: ResNet, *, task: Task, place: Place, rate: float) -> None:
        super().__init__()
        width = network.channels[-1]
        self.network = network
        self.pastes = PASTES[task]
        self.where = PLACES[place]
        self.head = nn.Sequential(
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
            nn.Linear(width, 1 + len(self.pastes)),
        )
        self._rate = rate

    def stage(self, steps: int) -> Descent:
        return Descent("features", steps, self._optimizers, self._step, cosine)

    def _optimizers(self) -> Mapping[str, Optimizer]:
        parameters = [*self.network.parameters(), *self.head.parameters()]
        return {"features": SGD(parameters, lr=self._rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)}

    def _step(self, batch: Batch, _number: int) -> Iterator[Update]:
        allowed = self.where(batch.images)
        shown = torch.cat([batch.images, *(paste(batch.images, allowed) for paste in self.pastes)])
        kinds = torch.arange(1 + len(self.pastes), device=shown.device).repeat_interleave(len(batch.images))
        answers = self.head(self.network(shown)[-1].mean(dim=(2, 3)))
        loss = functional.cross_entropy(answers, kinds)
        accuracy = (answers.argmax(dim=1) == kinds).float().mean()
        yield Update("features", loss, {"loss": loss, "accuracy": accuracy})


def paste_patch(images: Tensor, allowed: Tensor) -> Tensor:
    """Each of `(B, C, H, W)` with one of its rectangles pasted where `allowed` `(B, 1, H, W)` is 1."""
    height, width = images.shape[2:]
    area = _uniform(images, *AREA) * height * width
    wide = torch.where(_uniform(images, 0, 1) < 0.5, 1.0, -1.0)
    aspect = _uniform(images, 1, ASPECT) ** wide
    # A narrow image cannot hold the longest of the largest.
    half_width = ((area * aspect).sqrt() / 2).clamp(max=width / 2)
    half_height = ((area / aspect).sqrt() / 2).clamp(max=height / 2)
    return _paste(images, allowed, torch.stack([half_height, half_width], dim=1), torch.zeros_like(area))


def paste_scar(images: Tensor, allowed: Tensor) -> Tensor:
    """As `paste_patch`, but a thin turned strip of at least one pixel's width."""
    side = min(images.shape[2:])
    half_height = (_uniform(images, *SCAR_WIDTH) * side).clamp(min=1) / 2
    half_width = (_uniform(images, *SCAR_LENGTH) * side).clamp(min=2) / 2
    angle = _uniform(images, -math.pi / 4, math.pi / 4)
    return _paste(images, allowed, torch.stack([half_height, half_width], dim=1), angle)


def everywhere(images: Tensor) -> Tensor:
    """1 at every pixel, `(B, 1, H, W)`."""
    return torch.ones_like(images[:, :1])


PASTES: Mapping[Task, tuple[Callable[[Tensor, Tensor], Tensor], ...]] = {
    "normal": (paste_patch,),
    "scar": (paste_scar,),
    "3way": (paste_patch, paste_scar),
}
PLACES: Mapping[Place, Callable[[Tensor], Tensor]] = {
    "anywhere": everywhere,
    "foreground": foreground,
    "anat": lungs,
}


def _paste(images: Tensor, allowed: Tensor, halves: Tensor, angle: Tensor) -> Tensor:
    """Paste a rectangle of half sides `(B, 2)` in pixels, row first, turned by `angle` `(B,)`."""
    height, width = images.shape[2:]
    sides = torch.tensor([height, width], device=images.device)
    # Where nothing is allowed, everything is: an image without a lung still has to tell.
    allowed = torch.where(allowed.flatten(1).any(dim=1)[:, None, None, None], allowed, 1.0)
    chosen = torch.multinomial(allowed.flatten(1), 1)[:, 0]
    target = torch.stack([chosen // width, chosen % width], dim=1) + 0.5
    source = halves + torch.rand_like(halves) * (sides - 2 * halves)
    rows = torch.arange(height, device=images.device)[:, None] + 0.5 - target[:, 0, None, None]
    columns = torch.arange(width, device=images.device) + 0.5 - target[:, 1, None, None]
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    across, along = cosine * rows - sine * columns, cosine * columns + sine * rows  # (B, H, W)
    inside = (across.abs() <= halves[:, 0, None, None]) & (along.abs() <= halves[:, 1, None, None])
    grid = torch.stack(
        [
            2 * (source[:, 1, None, None] + along) / width - 1,
            2 * (source[:, 0, None, None] + across) / height - 1,
        ],
        dim=3,
    )
    piece = functional.grid_sample(
        images, grid.to(images.dtype), padding_mode="border", mode="nearest", align_corners=False
    )
    return torch.where(inside[:, None] & (allowed > 0), _jitter(piece), images)


def _jitter(piece: Tensor) -> Tensor:
    brightness, contrast = (_uniform(piece, 1 - JITTER, 1 + JITTER)[:, None, None, None] for _ in range(2))
    bright = piece * brightness
    mean = bright.mean(dim=(1, 2, 3), keepdim=True)
    return ((bright - mean) * contrast + mean).clamp(0, 1)


def _uniform(images: Tensor, least: float, most: float) -> Tensor:
    """One number for each image, `(B,)`."""
    return least + (most - least) * torch.rand(len(images), device=images.device)
