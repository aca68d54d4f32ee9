"""Checkpoints that resume to the very weights an uninterrupted run would have reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from models.method import AnomalyMethod
from training.errors import ConfigError

FILE = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run before step `number` of stage `stage`, both counted from 0."""

    stage: int
    number: int
    method: Mapping[str, Any]
    optimizers: Mapping[str, Any]
    sampler: Mapping[str, Any]
    rng: Mapping[str, Any]

    def restore_rng(self) -> None:
        torch.set_rng_state(self.rng["cpu"])
        if self.rng["cuda"]:
            torch.cuda.set_rng_state_all(self.rng["cuda"])


def take_checkpoint(
    stage: int,
    number: int,
    method: AnomalyMethod,
    optimizers: Mapping[str, Optimizer],
    sampler: dict[str, Any],
) -> Checkpoint:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return Checkpoint(
        stage,
        number,
        method.state_dict(),
        {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        sampler,
        {"cpu": torch.get_rng_state(), "cuda": cuda},
    )


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write it whole or not at all."""
    draft = folder / f"{FILE}.draft"
    torch.save(vars(checkpoint), draft)
    draft.replace(folder / FILE)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, on the CPU; None if there is none.

    Raises:
        ConfigError: The file is none of ours.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, TypeError, OSError, EOFError) as error:
        raise ConfigError(f"{path} is no checkpoint of this version: {error}") from error
