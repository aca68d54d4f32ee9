"""The convolutions of a VGG network, to compare images by.

Source: Simonyan and Zisserman, 2015, https://arxiv.org/abs/1409.1556. The layers are numbered as in
torchvision's `vgg19().features`, so that its weights fit.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

# Channels of the 3x3 convolutions, each with its ReLU; "pool" halves the sides.
Plan = Sequence[int | Literal["pool"]]
VGG19_TO_RELU4_2: Plan = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512)


class Vgg(nn.Module):
    """`(B, inputs, H, W)` to the last planned layer's features."""

    def __init__(self, inputs: int, plan: Plan) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for entry in plan:
            if entry == "pool":
                layers.append(nn.MaxPool2d(2))
                continue
            conv = nn.Conv2d(inputs, entry, 3, padding=1)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # it has one
            layers += [conv, nn.ReLU()]
            inputs = entry
        self.features = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images)

    def load(self, path: Path) -> None:
        """Take the weights from a state dict's file; entries of other layers are left.

        Raises:
            ValueError: The file cannot be read, or does not hold these layers.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
            raise ValueError(f"{path} is no file of torch weights: {error}") from error
        for name, parameter in self.named_parameters():
            found = state.get(name) if isinstance(state, dict) else None
            if not isinstance(found, Tensor):
                raise ValueError(f"{path} holds no {name}; it must be a state dict of torchvision's vgg19")
            if found.shape != parameter.shape:
                raise ValueError(
                    f"{path} has a {name} of {tuple(found.shape)}; {tuple(parameter.shape)} is needed"
                )
            parameter.data.copy_(found)
