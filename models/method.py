"""What every method of anomaly detection promises to the training loop, the evaluation and the export.

One shape holds them all: several training stages, several optimizers with unequal steps, statistics of the
normals instead of or between gradient steps, a few labels, gradients and loops at inference.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.schedules import steady


class Prediction(NamedTuple):
    """What a method says of a batch; the same in training and out of it."""

    score: Tensor  # (B,), higher is more anomalous
    anomaly_map: Tensor  # (B, 1, H, W), higher is more anomalous
    reconstruction: Tensor | None  # (B, C, H, W), or None where the method has none


class Batch(NamedTuple):
    """Training images in [0, 1]; labels are 0 unlabelled, 1 labelled normal, -1 labelled anomalous.

    `indices` are the images' places in the order in which an `Observation` shows them all.
    """

    images: Tensor  # (B, C, H, W)
    labels: Tensor  # (B,)
    indices: Tensor = torch.empty(0, dtype=torch.long)  # (B,)


class Update(NamedTuple):
    """One optimizer step that a stage asks for.

    The loop clears the gradients of `optimizer`, back-propagates `loss`, steps, and then resumes the stage.
    """

    optimizer: str
    loss: Tensor
    logs: Mapping[str, Tensor]  # scalars for the progress bar and TensorBoard


@dataclass(frozen=True)
class Descent:
    """A stage of gradient steps.

    `step(batch, number)` yields the updates of one step; several optimizers may take unequal turns.
    `optimizers` is called once when the stage begins, after earlier stages have ended. Their learning rates
    are multiplied by `schedule(done)`, `done` being the share of the stage's steps before this one.
    """

    name: str
    steps: int
    optimizers: Callable[[], Mapping[str, Optimizer]]
    step: Callable[[Batch, int], Iterator[Update]]
    schedule: Callable[[float], float] = steady


@dataclass(frozen=True)
class Observation:
    """A stage that shows every training image once to `observe` and then calls `finalize`.

    `finalize` may return figures for people to see, by name, and may stop the run with a `ValueError`.
    """

    name: str
    observe: Callable[[Tensor], None]
    finalize: Callable[[], Mapping[str, float] | None]


Stage = Descent | Observation


@dataclass(frozen=True)
class InputShape:
    channels: int
    height: int
    width: int


class AnomalyMethod(nn.Module, ABC):
    """A way to learn what normal images look like.

    Everything that `forward` needs is a parameter or a buffer, so that a checkpoint holds it. A score never
    depends on the other images of its batch.
    """

    Options: ClassVar[type]
    """The method's own frozen dataclass of settings, every field with a default."""

    uses_labels: ClassVar[bool] = False
    """Whether batches hold the data set's labelled anomalous images too; an `Observation` never does."""

    @abstractmethod
    def __init__(self, shape: InputShape, options: Any) -> None:
        """Build the untrained method for images of `shape`; `options` is an instance of `Options`."""
        super().__init__()

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """The training stages, in order; always the same for the same options."""

    @abstractmethod
    def forward(self, images: Tensor) -> Prediction:
        """Score images `(B, C, H, W)` in [0, 1].

        A method with controls takes them after the images, in their order: int64 scalars, or None for what
        `controls` says.
        """

    def controls(self) -> Mapping[str, int]:
        """Whole numbers by which inference can be steered, such as its steps or its seed, and their defaults.

        They stay optional inputs of whatever the method is exported to.
        """
        return {}

    def pictures(self) -> Mapping[str, Tensor]:
        """Batches of made images `(B, C, H, W)` in [0, 1] by name, the same ones each time, for a look."""
        return {}
